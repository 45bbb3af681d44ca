/**
 * Whole hosts on one Kafka, Postgres and Redis, all real: what is acknowledged comes out, in order, though a host is
 * killed and all are restarted one after the other. `deno task bench cluster` does the same for longer, and to the
 * servers too.
 */

import assert from "node:assert/strict";
import { eventually } from "../kit/eventually.ts";
import { HttpReceiver } from "../kit/servers/http_receiver.ts";
import { startKafka, whyNoKafka } from "../kit/servers/kafka.ts";
import { startPostgres } from "../kit/servers/postgres.ts";
import { startRedis } from "../kit/servers/redis.ts";
import { type RunningService, startTestService } from "../kit/service.ts";

const reason = await whyNoKafka();
if (reason !== null) console.log(`The test of a cluster is ignored: ${reason}`);

const PLUGIN = `
  export const jobs = { later() {} }
  export async function processEvent(event, { jobs }) {
    event.properties.seen = true
    if (event.properties.number % 10 === 0) await jobs.later(event.uuid).runNow()
    return event
  }`;
const PEOPLE = 20;
const PARTITIONS = 6;

interface Numbered {
  distinct_id: string;
  properties: { number: number; seen?: boolean };
}

/** One event after the other for each person, sent again to the next host until one has taken it. */
class Load {
  readonly #hosts: RunningService[];
  readonly #people: Promise<void>[];
  #stopped = false;
  /** By person, how many were acknowledged: their numbers are 1 to that. */
  readonly acknowledged = new Map<string, number>();

  constructor(hosts: RunningService[]) {
    this.#hosts = hosts;
    this.#people = Array.from({ length: PEOPLE }, (_, index) => this.#person(`person ${index}`, index));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#people);
  }

  get total(): number {
    return [...this.acknowledged.values()].reduce((a, b) => a + b, 0);
  }

  async #person(distinct_id: string, first: number): Promise<void> {
    let host = first;
    for (let number = 1; !this.#stopped; number++) {
      const body = JSON.stringify({ api_key: "phc_one", event: "load", distinct_id, properties: { number } });
      while (!await isTaken(this.#hosts[host % this.#hosts.length]!, body)) host++;
      this.acknowledged.set(distinct_id, number);
      await pause(60);
    }
  }
}

async function isTaken({ url }: RunningService, body: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/capture`, { method: "POST", body });
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    await pause(50);
    return false;
  }
}

async function jobsOf(host: RunningService): Promise<string[]> {
  const payloads: string[] = [];
  for (let next: string | null = ""; next !== null;) {
    const page: { results: { payload: string }[]; next: string | null } = await host.api(
      `/_hogpen/api/jobs?limit=100${next && `&next=${encodeURIComponent(next)}`}`,
    );
    payloads.push(...page.results.map(({ payload }) => payload));
    next = page.next;
  }
  return payloads;
}

/** The pace of a client. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What came out, by person, each number where it came first. */
class Arrivals {
  readonly firsts = new Map<string, number[]>();
  unseen = 0;

  add(text: string): void {
    for (const { distinct_id, properties: { number, seen } } of JSON.parse(text).data.events as Numbered[]) {
      if (seen !== true) this.unseen++;
      const numbers = this.firsts.get(distinct_id) ?? [];
      if (!numbers.includes(number)) this.firsts.set(distinct_id, [...numbers, number]);
    }
  }

  count(): number {
    return [...this.firsts.values()].reduce((sum, { length }) => sum + length, 0);
  }
}

Deno.test("a cluster loses nothing and keeps each person's order though hosts are killed and restarted", {
  ignore: reason !== null,
}, async () => {
  await using kafka = await startKafka();
  await using postgres = await startPostgres();
  await using redis = await startRedis();
  const arrivals = new Arrivals();
  await using receiver = new HttpReceiver(({ text }) => {
    arrivals.add(text);
    return new Response();
  });
  const config = {
    projects: [{
      id: 1,
      token: "phc_one",
      plugins: [{
        id: 1,
        source: { inline: PLUGIN },
      }],
      destinations: [{
        id: "hook",
        type: "webhook",
        url: receiver.url,
        secret: "whsec_bm90IGEgc2VjcmV0IGF0IGFsbCwgYnV0IGxvbmc=",
        retry_seconds: [0.5],
        batch: { max_wait_ms: 20 },
      }],
    }],
  };
  const env = {
    HOGPEN_KAFKA: kafka.brokers,
    HOGPEN_KAFKA_PARTITIONS: String(PARTITIONS),
    DATABASE_URL: await postgres.createDatabase(),
    REDIS_URL: redis.url,
    HOGPEN_SECRET_KEY: "a key that all hosts have",
  };
  await using hosts = new AsyncDisposableStack();
  const start = async (role: string) =>
    hosts.use(await startTestService({ config, env: { ...env, HOGPEN_ROLE: role } }));
  const [front, one, other] = [await start("intake"), await start("all"), await start("all")];
  const ownersOf = async (topic: "inbox" | "outbox") => {
    const { results } = await front.api<
      { results: { role: string; partitions: { inbox: number[]; outbox: number[] } }[] }
    >("/_hogpen/api/hosts");
    return results.map(({ role, partitions }) => ({ role, partitions: partitions[topic] }))
      .filter(({ partitions }) => partitions.length > 0);
  };
  for (const topic of ["inbox", "outbox"] as const) {
    await eventually(`two hosts own all partitions of the ${topic}`, async () => {
      const owners = await ownersOf(topic);
      return owners.length === 2 && owners.flatMap(({ partitions }) => partitions).length === PARTITIONS;
    });
    assert((await ownersOf(topic)).every(({ role }) => role === "all"));
  }
  for (const host of [front, one, other]) {
    await eventually("it is ready", async () => {
      const answer = await fetch(`${host.url}/_ready`);
      return answer.status === 200 && "partitions" in await answer.json();
    });
  }

  const load = new Load([front, one, other]);
  /** Waits until events come out that were sent after this. */
  const goesOn = async (what: string) => {
    const before = load.total;
    await eventually(what, () => arrivals.count() > before);
  };
  await goesOn("events come out");
  await one.end("SIGKILL");
  await goesOn("they come out without the host that was killed");
  await one.start();
  for (const host of [front, one, other]) {
    await host.end("SIGTERM");
    await goesOn("they come out while a host restarts");
    await host.start();
  }
  await goesOn("they come out after a rolling restart");
  await load.stop();
  await eventually("everything that was acknowledged has come out", () => arrivals.count() >= load.total);

  assert.equal(arrivals.unseen, 0);
  const jobs = await jobsOf(front);
  assert(jobs.length > 0);
  assert.equal(new Set(jobs).size, jobs.length, "no event has made its job twice");
  for (const [person, count] of load.acknowledged) {
    const numbers = arrivals.firsts.get(person) ?? [];
    assert.deepEqual(numbers.slice(0, count), Array.from({ length: count }, (_, index) => index + 1), person);
  }
});
