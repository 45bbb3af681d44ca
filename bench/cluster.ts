/**
 * What is lost when parts of a cluster die: several hosts on one Kafka, Postgres and Redis, all real, each of which is
 * killed, stopped or restarted under load. Everything that a client was told is stored must come out of every way, in
 * order.
 *
 * `deno task bench cluster [--hosts 3] [--brokers 1] [--short]`, and how often each strike hits: `--kills 30`,
 * `--stalls 10` (of hosts), `--broker-kills 10`, `--broker-stalls 5`, `--postgres 10`, `--redis 10`, `--rolling 5`.
 * `--short` is few of each. With `--only kills,redis` the others are left out. `--keep` keeps what the hosts have said.
 * @module
 */

import { parseArgs } from "node:util";
import { startKafka, whyNoKafka } from "../tests/kit/servers/kafka.ts";
import { startPostgres } from "../tests/kit/servers/postgres.ts";
import { startRedis } from "../tests/kit/servers/redis.ts";
import { startCrashLoad } from "./kit/crash_load.ts";
import { startCrashReceiver } from "./kit/crash_receiver.ts";
import { allRunning, arrive, configFor, pause, report, settle, TOKEN } from "./kit/crash_scenario.ts";
import { type HostProcess, startHostProcess } from "./kit/host_process.ts";
import { type Goal, printGoals, printMachine, printTable } from "./kit/report.ts";

const COUNTS = {
  "kills": { long: 30, short: 3 },
  "stalls": { long: 10, short: 1 },
  "broker-kills": { long: 10, short: 2 },
  "broker-stalls": { long: 5, short: 1 },
  "postgres": { long: 10, short: 2 },
  "redis": { long: 10, short: 2 },
  "rolling": { long: 5, short: 1 },
};
type Kind = keyof typeof COUNTS;
const KINDS = Object.keys(COUNTS) as Kind[];

const { values: flags } = parseArgs({
  args: Deno.args.slice(1),
  options: {
    hosts: { type: "string", default: "3" },
    brokers: { type: "string", default: "1" },
    short: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
    only: { type: "string" },
    ...Object.fromEntries(KINDS.map((kind) => [kind, { type: "string" } as const])),
  },
});
const only = flags.only?.split(",");
const given: Record<string, unknown> = flags;

/** How often a strike hits; 0 leaves it out. */
function timesOf(kind: Kind): number {
  if (only !== undefined && !only.includes(kind)) return 0;
  return Number(given[kind] ?? COUNTS[kind][flags.short ? "short" : "long"]);
}

const SESSION_MS = 6000;

const missing = await whyNoKafka();
if (missing !== null) {
  console.error(`Cannot run: ${missing}`);
  Deno.exit(2);
}
printMachine();
const brokers = Number(flags.brokers);
await using kafka = await startKafka({ brokers });
await using postgres = await startPostgres({ fsync: true });
await using redis = await startRedis();

interface Strike {
  kind: Kind;
  /** What it does, in the report. */
  name: string;
  /** Hits one thing and has it running again. */
  hit(hosts: HostProcess[]): Promise<void>;
}

const any = <T>(things: T[]): T => things[Math.floor(Math.random() * things.length)] as T;
const anyBroker = () => 1 + Math.floor(Math.random() * brokers);

const STRIKES: Strike[] = [
  {
    kind: "kills",
    name: "hosts killed",
    async hit(hosts) {
      const host = any(hosts);
      await host.kill();
      await pause(Math.random() * 8000);
      await host.start();
    },
  },
  {
    kind: "stalls",
    name: "hosts stopped",
    async hit(hosts) {
      const { pid } = any(hosts);
      Deno.kill(pid, "SIGSTOP");
      await pause(SESSION_MS + 4000);
      Deno.kill(pid, "SIGCONT");
    },
  },
  {
    kind: "broker-kills",
    name: "brokers killed",
    async hit() {
      const broker = anyBroker();
      await kafka.kill(broker);
      await pause(Math.random() * 5000);
      await kafka.start(broker);
    },
  },
  {
    kind: "broker-stalls",
    name: "brokers stopped",
    async hit() {
      const broker = anyBroker();
      await kafka.signal(broker, "SIGSTOP");
      await pause(8000);
      await kafka.signal(broker, "SIGCONT");
    },
  },
  ...([["postgres", "Postgres killed", postgres], ["redis", "Redis killed", redis]] as const).map((
    [kind, name, server],
  ) => ({
    kind,
    name,
    async hit() {
      await server.kill();
      await pause(Math.random() * 3000);
      await server.start();
    },
  })),
  {
    kind: "rolling",
    name: "rolling restarts",
    async hit(hosts) {
      for (const host of hosts) {
        await host.stop();
        await host.start();
      }
    },
  },
];

const rows: string[][] = [];

async function run({ name, kind, hit }: Strike, times: number): Promise<Goal[]> {
  const title = `${name} ×${times}`;
  console.log(`\n${title}`);
  const folder = await Deno.makeTempDir({ prefix: "hogpen_cluster_" });
  await using receiver = startCrashReceiver();
  const env = {
    HOGPEN_KAFKA: kafka.brokers,
    HOGPEN_KAFKA_PREFIX: `${kind}-`,
    HOGPEN_KAFKA_REPLICATION: brokers >= 3 ? "3" : "1",
    HOGPEN_KAFKA_SESSION_SECONDS: String(SESSION_MS / 1000),
    DATABASE_URL: await postgres.createDatabase(),
    REDIS_URL: redis.url,
  };
  await using hosts = new AsyncDisposableStack();
  const running: HostProcess[] = [];
  for (let index = 0; index < Number(flags.hosts); index++) {
    const own = `${folder}/${index}`;
    await Deno.mkdir(own);
    running.push(hosts.use(await startHostProcess({ folder: own, config: configFor(receiver.port), env })));
  }
  for (const host of running) await allRunning(host);
  const urls = running.map(({ url }) => url);
  const load = startCrashLoad({ urls, token: TOKEN, clients: 8, eventsPerBatch: 10, pauseMs: 100 });
  await arrive(receiver, 1);
  await pause(3000);
  const webhook = receiver.way("webhook");
  webhook.longestSilence = 0;
  const start = Date.now();
  let slowest = 0;
  for (let i = 0; i < times; i++) {
    await pause(1000 + Math.random() * 2000);
    await hit(running);
    slowest = Math.max(slowest, await untilNext(webhook));
    if ((i + 1) % 10 === 0) console.log(`  ${i + 1}, ${load.acknowledged.size} events acknowledged`);
  }
  // What a strike holds up counts too.
  await pause(5000);
  const silence = webhook.longestSilence;
  const struckFor = Date.now() - start;
  await load.stop();
  const stopped = Date.now();
  await settle(receiver, load);
  const goals = report(title, receiver, load, new Map([[name, times]]), running);
  console.log(
    `  longest silence at the webhook: ${silence} ms; until something comes when all are back: ${slowest} ms`,
  );
  console.log(`  struck for ${inSeconds(struckFor)}`);
  const last = ["webhook", "exportEvents", "onEvent", "jobs"].map((name) =>
    `${name} ${inSeconds(Math.max(0, receiver.way(name).lastAt - stopped))}`
  );
  console.log(`  the last one came after the end of the load: ${last.join(", ")}`);
  for (const host of running) {
    const uncaught = await host.uncaughtErrors();
    goals.push({ what: `${title}: no error that nobody caught: ${uncaught[0] ?? "none"}`, met: uncaught.length === 0 });
  }
  if (kind === "kills" || kind === "broker-kills") {
    // The only broker is what all wait for; only what passes after its return is ours.
    const [what, ms] = kind === "broker-kills" && brokers === 1 ? ["once it is back", slowest] : ["silence", silence];
    goals.push({ what: `${title}: ${what} below 10 s: ${ms} ms`, met: ms < 10_000 });
  }
  const ways = [webhook, receiver.way("exportEvents"), receiver.way("onEvent"), receiver.way("jobs")];
  const lost = goals.reduce((sum, { what }) => sum + Number(what.match(/ lost: (\d+)/)?.[1] ?? 0), 0);
  rows.push([
    title,
    String(load.acknowledged.size),
    String(lost),
    ways.map(({ duplicates }) => duplicates).join(" / "),
    goals.every(({ what, met }) => met || !/in order/.test(what)) ? "kept" : "broken",
    inSeconds(silence),
    inSeconds(slowest),
  ]);
  if (goals.every(({ met }) => met) && !flags.keep) await Deno.remove(folder, { recursive: true });
  else console.log(`  the data and logs are kept in ${folder}`);
  return goals;
}

/** Milliseconds until the next event that has not come before. */
async function untilNext(way: { counts: ReadonlyMap<string, number> }): Promise<number> {
  const [start, seen] = [Date.now(), way.counts.size];
  while (way.counts.size === seen && Date.now() - start < 60_000) await pause(20);
  return Date.now() - start;
}

function inSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

const goals: Goal[] = [];
for (const strike of STRIKES) {
  const times = timesOf(strike.kind);
  if (times > 0) goals.push(...await run(strike, times));
}
console.log(`\n${flags.hosts} hosts, ${brokers} brokers`);
printTable(
  ["strike", "acknowledged", "lost", "twice: webhook/export/onEvent/jobs", "order", "silence", "once back"],
  rows,
);
printGoals(goals);
