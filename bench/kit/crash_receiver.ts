/**
 * Where events end up in the crash benchmark: a server that remembers what came by which way, and in which order.
 * @module
 */

/** One way out of the service: a destination, an exporting plugin, jobs. */
export interface Arrivals {
  /** uuid → how often, in the order of first arrival. */
  readonly counts: ReadonlyMap<string, number>;
  /** Events that came before an earlier one of the same person had come. */
  readonly outOfOrder: number;
  readonly duplicates: number;
  /** Milliseconds between the time asked for and the first arrival; jobs only. */
  readonly lateness: readonly number[];
}

interface Arrival {
  uuid: string;
  distinct_id: string;
  properties: { number: number; due?: number; marks?: number; refused?: boolean };
}

class Way implements Arrivals {
  readonly counts = new Map<string, number>();
  readonly lateness: number[] = [];
  /** Events whose plugin was told that it could not have its job. */
  readonly refused = new Set<string>();
  readonly #lastOf = new Map<string, number>();
  outOfOrder = 0;
  duplicates = 0;
  /** Longest time between two arrivals so far, in milliseconds; set to 0 to measure anew. */
  longestSilence = 0;
  /** Of the last arrival, in milliseconds since the epoch; 0 before the first. */
  lastAt = 0;
  /** Events that not every plugin had seen. */
  unmarked = 0;

  take({ uuid, distinct_id, properties: { number, due, marks, refused } }: Arrival): void {
    const now = Date.now();
    if (this.lastAt > 0) this.longestSilence = Math.max(this.longestSilence, now - this.lastAt);
    this.lastAt = now;
    const count = this.counts.get(uuid) ?? 0;
    this.counts.set(uuid, count + 1);
    if (count > 0) {
      this.duplicates++;
      return;
    }
    if (refused) this.refused.add(uuid);
    if (due !== undefined) this.lateness.push(Date.now() - due);
    else if (marks !== 2) this.unmarked++;
    if ((this.#lastOf.get(distinct_id) ?? 0) > number) this.outOfOrder++;
    else this.#lastOf.set(distinct_id, number);
  }
}

export interface CrashReceiver extends AsyncDisposable {
  readonly port: number;
  way(name: string): Way;
}

/** Listens on a free port; POST /<way> takes `{"data": {"events": […]}}`, or a list of events. */
export function startCrashReceiver(): CrashReceiver {
  const ways = new Map<string, Way>();
  function way(name: string): Way {
    const known = ways.get(name) ?? new Way();
    ways.set(name, known);
    return known;
  }
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const body = await request.json();
    const into = way(new URL(request.url).pathname.slice(1));
    for (const event of Array.isArray(body) ? body : body.data.events) into.take(event);
    return new Response("{}");
  });
  return { port: server.addr.port, way, [Symbol.asyncDispose]: () => server.shutdown() };
}
