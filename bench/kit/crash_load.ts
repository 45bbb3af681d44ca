/**
 * Clients that send events in order, each for its own people, and repeat a batch until it is acknowledged, as SDKs do.
 * @module
 */

/** What must arrive: every event that was acknowledged. */
export interface CrashLoad {
  /** uuid → person and number within the person. */
  readonly acknowledged: ReadonlyMap<string, { person: string; number: number }>;
  /** Batches that had to be sent again. */
  readonly repeated: number;
  /** Lets the batches under way be acknowledged and ends. */
  stop(): Promise<void>;
}

export interface CrashLoadOptions {
  /** Hosts that take events; a client whose host does not answer turns to the next one. */
  urls: string[];
  token: string;
  clients: number;
  eventsPerBatch: number;
  /** Pause of a client between two batches. */
  pauseMs: number;
}

const PEOPLE_PER_CLIENT = 5;

/** Starts sending. */
export function startCrashLoad(options: CrashLoadOptions): CrashLoad {
  const acknowledged = new Map<string, { person: string; number: number }>();
  let stopping = false;
  let repeated = 0;

  async function client(index: number): Promise<void> {
    const numbers = new Map<string, number>();
    let host = index;
    for (let round = 0; !stopping; round++) {
      const events = Array.from({ length: options.eventsPerBatch }, (_, i) => {
        const person = `person-${index}-${(round + i) % PEOPLE_PER_CLIENT}`;
        const number = (numbers.get(person) ?? 0) + 1;
        numbers.set(person, number);
        return { uuid: crypto.randomUUID(), event: "load", distinct_id: person, properties: { number } };
      });
      const body = JSON.stringify({ api_key: options.token, batch: events });
      while (!await isAccepted(`${options.urls[host % options.urls.length]}/batch`, body)) {
        repeated++;
        host++;
        await pause(50);
      }
      for (const { uuid, distinct_id, properties } of events) {
        acknowledged.set(uuid, { person: distinct_id, number: properties.number });
      }
      await pause(options.pauseMs);
    }
  }

  const clients = Promise.all(Array.from({ length: options.clients }, (_, index) => client(index)));
  return {
    acknowledged,
    get repeated() {
      return repeated;
    },
    async stop() {
      stopping = true;
      await clients;
    },
  };
}

async function isAccepted(url: string, body: string): Promise<boolean> {
  try {
    const answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
    await answer.body?.cancel();
    if (answer.status >= 400 && answer.status < 500) throw new TypeError(`refused with ${answer.status}`);
    return answer.status === 200;
  } catch (error) {
    if (error instanceof TypeError && error.message.startsWith("refused")) throw error;
    return false;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
