/**
 * What a cluster costs and how it grows: the same events through one host on SQLite, and through one, two and three
 * hosts on Kafka, from the first POST until the last one has come out at a destination.
 *
 * All hosts together have the first core, whatever their number, and brokers, Postgres and the load the others: so the
 * rates show what more hosts cost, not what more cores bring. If an event costs three hosts as much processor time as
 * one, and they share nothing but the servers, rates grow with the cores, until the servers are at their end.
 *
 * `deno task bench cluster_rate [--events 15000] [--hosts 1,2,3]`; Linux, with two cores or more.
 * @module
 */

import { parseArgs } from "node:util";
import { cpuMs, treeOf } from "../tests/attacks/process_tree.ts";
import { startKafka, whyNoKafka } from "../tests/kit/servers/kafka.ts";
import { startPostgres } from "../tests/kit/servers/postgres.ts";
import { allRunning, pause } from "./kit/crash_scenario.ts";
import { type HostProcess, startHostProcess } from "./kit/host_process.ts";
import { mainThreadMs } from "./kit/process_figures.ts";
import { type Goal, median, printGoals, printMachine, printTable } from "./kit/report.ts";
import { BATCH, freshEvent, post } from "./kit/service_load.ts";
import { pluginSources } from "./workload.ts";

const TOKEN = "phc_bench";
/** Enough that the hosts always have work: what they do at their limit is to be seen. */
const CONNECTIONS = 32;
/** Of each host, however many there are: V8 has compiled by then what it will. */
const WARM_UP = 15_000;
const ROUNDS = 5;
const HOSTS_CORE = "0";
const IDLE_MS = 5000;

const { values: flags } = parseArgs({
  args: Deno.args.slice(1),
  options: { events: { type: "string", default: "15000" }, hosts: { type: "string", default: "1,2,3" } },
});
const events = Number(flags.events);
const cores = navigator.hardwareConcurrency;
const missing = cores < 2 ? "it needs two cores" : await whyNoKafka();
if (missing !== null) {
  console.error(`Cannot run: ${missing}`);
  Deno.exit(2);
}
printMachine();
await using kafka = await startKafka();
await using postgres = await startPostgres({ fsync: true });

let arrived = 0;
let wanted = { count: 0, ...Promise.withResolvers<void>() };
await using receiver = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
  const text = await request.text();
  arrived += text.split('"uuid":').length - 1;
  if (arrived >= wanted.count) wanted.resolve();
  return new Response("ok");
});
await pinTo(cores === 2 ? "1" : `1-${cores - 1}`, Deno.pid);

interface Figures {
  rate: number;
  /** Milliseconds of processor time for a thousand events: of all hosts with their plugins, and of the brokers. */
  hosts: number;
  brokers: number;
  /** Of the hosts' own threads, which do everything but plugins and disks: one host can do no more than these allow. */
  threads: number;
  /** Milliseconds of processor time that one host takes in a second without events. */
  idle: number;
}

const config = {
  projects: [{
    id: 1,
    token: TOKEN,
    plugins: pluginSources(3).map((inline, order) => ({ id: order + 1, source: { inline }, order })),
    destinations: [{
      id: "all",
      type: "webhook",
      url: `http://127.0.0.1:${receiver.addr.port}/`,
      secret: `whsec_${btoa("the events of a benchmark")}`,
      batch: { max_events: 500, max_wait_ms: 20 },
    }],
  }],
};

/** 0 hosts: one on SQLite. */
async function measure(count: number): Promise<Figures> {
  const folder = await Deno.makeTempDir({ prefix: "hogpen_rate_" });
  const onKafka = {
    HOGPEN_KAFKA: kafka.brokers,
    HOGPEN_KAFKA_PREFIX: `rate-${count}-`,
    DATABASE_URL: await postgres.createDatabase(),
  };
  await using stack = new AsyncDisposableStack();
  const hosts: HostProcess[] = [];
  for (let index = 0; index < Math.max(1, count); index++) {
    const own = `${folder}/${index}`;
    await Deno.mkdir(own);
    hosts.push(stack.use(await startHostProcess({ folder: own, config, env: count === 0 ? {} : onKafka })));
  }
  for (const host of hosts) await allRunning(host);
  await pass(hosts, WARM_UP * hosts.length);
  for (const { pid } of hosts) await pinTo(HOSTS_CORE, pid);
  const idle = await idleOf(hosts);
  const found: Omit<Figures, "idle">[] = [];
  for (let round = 0; round < ROUNDS; round++) found.push(await timed(hosts));
  await stack.disposeAsync();
  await Deno.remove(folder, { recursive: true });
  const middle = (of: (figures: Omit<Figures, "idle">) => number) => median(found.map(of));
  return {
    idle,
    rate: middle((each) => each.rate),
    hosts: middle((each) => each.hosts),
    brokers: middle((each) => each.brokers),
    threads: middle((each) => each.threads),
  };
}

async function idleOf(hosts: HostProcess[]): Promise<number> {
  const used = () => sumOf(hosts.map(({ pid }) => treeMs(pid)));
  await pause(2000);
  const before = used();
  await pause(IDLE_MS);
  return (used() - before) * 1000 / IDLE_MS / hosts.length;
}

async function timed(hosts: HostProcess[]): Promise<Omit<Figures, "idle">> {
  const used = () => ({
    hosts: sumOf(hosts.map(({ pid }) => treeMs(pid))),
    brokers: sumOf(kafka.pids().map(treeMs)),
    threads: sumOf(hosts.map(({ pid }) => mainThreadMs(pid))),
  });
  const before = used();
  const begin = performance.now();
  await pass(hosts, events);
  const seconds = (performance.now() - begin) / 1000;
  const after = used();
  const perThousand = (what: keyof typeof before) => (after[what] - before[what]) * 1000 / events;
  return {
    rate: events / seconds,
    hosts: perThousand("hosts"),
    brokers: perThousand("brokers"),
    threads: perThousand("threads"),
  };
}

/** Processor time of a process and all that it has started. */
function treeMs(pid: number): number {
  return sumOf(treeOf(pid).map(cpuMs));
}

function sumOf(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** Runs the process, and what it has started and will start, on these cores alone. */
async function pinTo(cores: string, pid: number): Promise<void> {
  for (const each of treeOf(pid)) {
    // One that has ended meanwhile needs no core.
    await new Deno.Command("taskset", { args: ["-a", "-c", "-p", cores, String(each)], stdout: "null", stderr: "null" })
      .output();
  }
}

/** Resolves when all of them have come out. */
async function pass(hosts: HostProcess[], count: number): Promise<void> {
  arrived = 0;
  wanted = { count, ...Promise.withResolvers<void>() };
  let next = 0;
  await Promise.all(Array.from({ length: CONNECTIONS }, async (_, connection) => {
    const host = hosts[connection % hosts.length] as HostProcess;
    while (next < count) {
      const from = next;
      next += BATCH;
      await post(host.url, Array.from({ length: BATCH }, (_, index) => freshEvent(from + index)), TOKEN);
    }
  }));
  const late = setTimeout(
    () => wanted.reject(new Error(`Cannot go on: of ${count} events ${arrived} have come out after two minutes`)),
    120_000,
  );
  await wanted.promise.finally(() => clearTimeout(late));
}

const names = new Map([[0, "one host, SQLite"]]);
const measured = new Map<number, Figures>();
for (const count of [0, ...flags.hosts.split(",").map(Number)]) {
  measured.set(count, await measure(count));
  const { rate, hosts, brokers, threads, idle } = measured.get(count) as Figures;
  const name = names.get(count) ?? `${count} on Kafka`;
  names.set(count, name);
  console.log(
    `${name.padEnd(18)} ${Math.round(rate)} events/s; processor time for 1,000 events: hosts ${
      Math.round(hosts)
    } ms, of which their own threads ${Math.round(threads)} ms, broker ${Math.round(brokers)} ms; ` +
      `an idle host ${Math.round(idle)} ms/s`,
  );
}

const alone = measured.get(0) as Figures;
const single = measured.get(1) ?? alone;
const rows = [...measured].map(([count, { rate, hosts, brokers }]) => [
  names.get(count) as string,
  (rate / alone.rate).toFixed(2),
  (rate / single.rate).toFixed(2),
  (hosts / alone.hosts).toFixed(2),
  (brokers / hosts).toFixed(2),
]);
printTable(
  ["hosts on one core", "rate ÷ SQLite's", "rate ÷ one host's", "hosts' time ÷ SQLite's", "broker's time ÷ hosts'"],
  rows,
);
const goals: Goal[] = [];
if (measured.has(1)) {
  const share = alone.hosts / single.hosts;
  goals.push({ what: `one host on Kafka ≥ 0.8 × SQLite for each core: ${share.toFixed(2)}`, met: share >= 0.8 });
}
for (const [count, { hosts }] of measured) {
  if (count < 2) continue;
  const share = single.hosts / hosts;
  goals.push({ what: `${count} hosts ≥ 0.85 of linear by processor time: ${share.toFixed(2)}`, met: share >= 0.85 });
}
printGoals(goals);
