/**
 * How long nothing comes out of the event log when a broker dies or stands still: three hosts' logs in one process, with
 * no plugins and nothing to deliver to, so that little besides Kafka itself takes time.
 *
 * `deno task bench cluster_silence [--brokers 1] [--times 3] [--away 1000]`; `--away` is milliseconds from the death of a
 * broker until it is started again. With `--stall` it stands still for that time instead. Each broker in turn.
 * @module
 */

import { parseArgs } from "node:util";
import type { KafkaEventLog } from "../host/log/kafka/kafka_event_log.ts";
import { parseBrokers } from "../host/log/kafka/kafka_from_settings.ts";
import { openKafkaEventLog } from "../host/log/kafka/open_kafka_event_log.ts";
import { startKafka, whyNoKafka } from "../tests/kit/servers/kafka.ts";
import { startPostgres } from "../tests/kit/servers/postgres.ts";
import { pause } from "./kit/crash_scenario.ts";
import { type Goal, printGoals, printMachine, printTable } from "./kit/report.ts";

const PROJECT = 1;
const LIMITS = { maxEvents: 500, maxBytes: 1024 * 1024 };
/** Each host appends so many events at a time, one for each of its people. */
const PEOPLE = 12;
const APPEND_EVERY_MS = 50;
const SETTLE_MS = 8000;

const { values: flags } = parseArgs({
  args: Deno.args.slice(1),
  options: {
    brokers: { type: "string", default: "1" },
    times: { type: "string", default: "3" },
    away: { type: "string", default: "1000" },
    stall: { type: "boolean", default: false },
  },
});
const brokers = Number(flags.brokers);
const away = Number(flags.away);

const missing = await whyNoKafka();
if (missing !== null) {
  console.error(`Cannot run: ${missing}`);
  Deno.exit(2);
}
printMachine();
await using kafka = await startKafka({ brokers });
await using postgres = await startPostgres();
const databaseUrl = await postgres.createDatabase();

const acknowledged = new Set<string>();
const delivered = new Set<string>();
let lastAt = Date.now();
let silence = 0;
const over = { appends: new AbortController(), reads: new AbortController() };

function openLog(hostId: string): Promise<KafkaEventLog> {
  const settings = {
    brokers: parseBrokers(kafka.brokers),
    prefix: "silence-",
    partitions: 12,
    replication: brokers >= 3 ? 3 : 1,
    hostId,
    sasl: null,
    tls: null,
    messageBytes: 32_000_000,
    compression: "lz4" as const,
    sessionMs: 6000,
  };
  return openKafkaEventLog({ settings, databaseUrl, owns: { inbox: true, outbox: true }, onError: () => {} });
}

async function append(log: KafkaEventLog, host: string): Promise<void> {
  const pad = "x".repeat(900);
  for (let round = 0; !over.appends.signal.aborted; round++) {
    const ids = Array.from({ length: PEOPLE }, (_, person) => `${host} ${person} ${round}`);
    const records = ids.map((id, person) => ({
      key: `${host} ${person}`,
      event: new TextEncoder().encode(JSON.stringify({ id, pad })),
    }));
    while (!await log.append("inbox", PROJECT, records).then(() => true, () => false)) await pause(APPEND_EVERY_MS);
    for (const id of ids) acknowledged.add(id);
    await pause(APPEND_EVERY_MS);
  }
}

/** What a router and a consumer do: what fails, or has gone stale, is read again. */
async function follow(step: () => Promise<void>): Promise<void> {
  while (!over.reads.signal.aborted) await step().catch(() => pause(20));
}

async function route(log: KafkaEventLog): Promise<void> {
  const after = await log.cursor("inbox", PROJECT, "router");
  await log.waitForRecords("inbox", PROJECT, after, over.reads.signal);
  const records = await log.read("inbox", PROJECT, after, LIMITS);
  const end = records.at(-1)?.cursor;
  if (end !== undefined) await log.step(PROJECT, "router", end, records.map(({ key, event }) => ({ key, event })));
}

async function deliver(log: KafkaEventLog): Promise<void> {
  const after = await log.cursor("outbox", PROJECT, "reader");
  await log.waitForRecords("outbox", PROJECT, after, over.reads.signal);
  const records = await log.read("outbox", PROJECT, after, LIMITS);
  for (const { event } of records) {
    const now = Date.now();
    delivered.add(JSON.parse(new TextDecoder().decode(event)).id);
    silence = Math.max(silence, now - lastAt);
    lastAt = now;
  }
  const end = records.at(-1)?.cursor;
  if (end !== undefined) await log.commit("outbox", PROJECT, "reader", end);
}

/** Resolves with the milliseconds until the broker runs again. */
async function strike(broker: number): Promise<number> {
  const start = Date.now();
  if (flags.stall) {
    await kafka.signal(broker, "SIGSTOP");
    await pause(away);
    await kafka.signal(broker, "SIGCONT");
  } else {
    await kafka.kill(broker);
    await pause(away);
    await kafka.start(broker);
  }
  return Date.now() - start;
}

async function until(isSo: () => boolean, ms: number): Promise<void> {
  for (const end = Date.now() + ms; !isSo() && Date.now() < end;) await pause(50);
}

const inSeconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
const hosts = ["a", "b", "c"];
const logs = await Promise.all(hosts.map(openLog));
const running = logs.flatMap((log, index) => [
  append(log, hosts[index] as string),
  follow(() => route(log)),
  log.register("outbox", PROJECT, "reader", "earliest").then(() => follow(() => deliver(log))),
]);
await until(() => delivered.size > 500, 60_000);
const rows: string[][] = [];
const goals: Goal[] = [];
for (let time = 0; time < Number(flags.times); time++) {
  await pause(SETTLE_MS / 2);
  silence = 0;
  const broker = 1 + time % brokers;
  const wasAway = await strike(broker);
  const back = Date.now();
  await until(() => lastAt > back, 90_000);
  await pause(SETTLE_MS);
  // With three brokers the others go on; only one that stands still keeps its part until it is noticed.
  const ours = brokers === 1 ? silence - wasAway : silence;
  rows.push([`${broker}`, inSeconds(wasAway), inSeconds(silence), inSeconds(Math.max(0, silence - wasAway))]);
  goals.push({ what: `silence of hosts below 10 s: ${inSeconds(ours)}`, met: ours < 10_000 });
}
over.appends.abort();
await until(() => acknowledged.isSubsetOf(delivered), 60_000);
over.reads.abort();
await Promise.allSettled(running);
const lost = acknowledged.difference(delivered).size;
goals.push({ what: `lost of ${acknowledged.size}: ${lost}`, met: lost === 0 });
await Promise.all(logs.map((log) => log[Symbol.asyncDispose]()));
printTable(["broker", "away", "silence", "of it after its return"], rows);
console.log(`load ${Deno.loadavg()[0]?.toFixed(1)}`);
printGoals(goals);
