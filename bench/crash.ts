/**
 * What is lost when things die: the host and its cells are killed at random under load, then Postgres and Redis under a host that uses
 * them. Everything that a client was told is stored must come out of every way, in order.
 * `deno task bench crash [--kills 50] [--only embedded|distributed]`
 * @module
 */

import { parseArgs } from "node:util";
import { startPostgres } from "../tests/kit/servers/postgres.ts";
import { startRedis } from "../tests/kit/servers/redis.ts";
import type { PrivateServer } from "../tests/kit/servers/server_process.ts";
import { type CrashLoad, startCrashLoad } from "./kit/crash_load.ts";
import { type CrashReceiver, startCrashReceiver } from "./kit/crash_receiver.ts";
import { type HostProcess, startHostProcess } from "./kit/host_process.ts";
import { type Goal, printGoals, printMachine } from "./kit/report.ts";

const TOKEN = "phc_crash";
/** Every so many events of a person makes a job. */
const JOB_EVERY = 20;
const JOB_AFTER_MS = 3000;
/** No arrival for so long means that nothing more will come. */
const QUIET_MS = 60_000;

const { values: flags } = parseArgs({
  args: Deno.args.slice(1),
  options: { kills: { type: "string", default: "50" }, only: { type: "string" } },
});
const kills = Number(flags.kills);

/** Plugins that mark every event, use cache and storage, make jobs, and export. */
function configFor(port: number): unknown {
  const mark = `export async function processEvent(event, { cache }) {
    await cache.incr('seen').catch(() => {});
    event.properties.marks = (event.properties.marks ?? 0) + 1;
    return event }`;
  const jobs = `export const jobs = { later: async (event) => {
      await fetch('http://127.0.0.1:${port}/jobs', { method: 'POST', body: JSON.stringify([event]) }) } };
    export async function processEvent(event, { jobs }) {
      event.properties.marks = (event.properties.marks ?? 0) + 1;
      if (event.properties.number % ${JOB_EVERY} === 0) {
        const due = Date.now() + ${JOB_AFTER_MS};
        const { uuid, distinct_id, properties: { number } } = event;
        // A rejection tells the plugin that there is no job: that is no loss.
        await jobs.later({ uuid, distinct_id, properties: { number, due } }).runAt(new Date(due))
          .catch(() => { event.properties.refused = true }) }
      return event }`;
  const exporter = `export async function exportEvents(events) {
      const answer = await fetch('http://127.0.0.1:${port}/exportEvents', { method: 'POST',
        body: JSON.stringify(events.map(({ uuid, distinct_id, properties: { number, marks } }) => ({ uuid, distinct_id, properties: { number, marks } }))) });
      if (!answer.ok) throw new RetryError('receiver answered ' + answer.status) }`;
  const onEvent = `export async function onEvent({ uuid, distinct_id, properties: { number, marks } }) {
      const answer = await fetch('http://127.0.0.1:${port}/onEvent', { method: 'POST',
        body: JSON.stringify([{ uuid, distinct_id, properties: { number, marks } }]) });
      if (!answer.ok) throw new RetryError('receiver answered ' + answer.status) }`;
  const plugin = (id: number, name: string, inline: string) => ({
    id,
    source: { inline, name },
    order: id,
    egress: { allow: ["127.0.0.1"] },
  });
  return {
    projects: [{
      id: 1,
      name: "Crash",
      token: TOKEN,
      plugins: [
        plugin(1, "mark", mark),
        plugin(2, "jobs", jobs),
        plugin(3, "exporter", exporter),
        plugin(4, "on event", onEvent),
      ],
      destinations: [{
        id: "webhook",
        type: "webhook",
        url: `http://127.0.0.1:${port}/webhook`,
        secret: "whsec_bm90IGEgc2VjcmV0IGF0IGFsbCwgYnV0IGxvbmc=",
        retry_seconds: [0.5],
        batch: { max_wait_ms: 20 },
      }],
    }],
  };
}

interface Scenario {
  title: string;
  env: Record<string, string>;
  /** Kills one thing and has it running again. */
  strike(host: HostProcess): Promise<string>;
  strikes: number;
}

async function run({ title, env, strike, strikes }: Scenario): Promise<Goal[]> {
  console.log(`\n${title}`);
  const folder = await Deno.makeTempDir({ prefix: "hogpen_crash_" });
  await using receiver = startCrashReceiver();
  let whole = false;
  try {
    await using host = await startHostProcess({ folder, config: configFor(receiver.port), env });
    await allRunning(host);
    const load = startCrashLoad({ url: host.url, token: TOKEN, clients: 8, eventsPerBatch: 10, pauseMs: 60 });
    await arrive(receiver, 1);
    const struck = new Map<string, number>();
    for (let i = 0; i < strikes; i++) {
      await pause(200 + Math.random() * 1200);
      const what = await strike(host);
      struck.set(what, (struck.get(what) ?? 0) + 1);
      if ((i + 1) % 10 === 0) console.log(`  ${i + 1} kills, ${load.acknowledged.size} events acknowledged`);
    }
    await load.stop();
    await settle(receiver, load);
    const goals = report(title, receiver, load, struck, host);
    whole = goals.every(({ met }) => met);
    return goals;
  } finally {
    if (whole) await Deno.remove(folder, { recursive: true });
    else console.log(`  the data is kept in ${folder}`);
  }
}

/** The ways that every event takes; jobs are counted apart. */
const WAYS = ["webhook", "exportEvents", "onEvent"];

function expectedJobs(receiver: CrashReceiver, load: CrashLoad): string[] {
  const { refused } = receiver.way("webhook");
  return [...load.acknowledged].flatMap(([uuid, { number }]) =>
    number % JOB_EVERY === 0 && !refused.has(uuid) ? [uuid] : []
  );
}

/** Waits until everything has arrived, or until nothing more does. */
async function settle(receiver: CrashReceiver, load: CrashLoad): Promise<void> {
  let before = -1;
  for (let quietSince = Date.now(); Date.now() - quietSince < QUIET_MS;) {
    const missing = WAYS.map((name) => missingOf(receiver, name, [...load.acknowledged.keys()]))
      .concat(missingOf(receiver, "jobs", expectedJobs(receiver, load))).reduce((a, b) => a + b);
    if (missing === 0) return;
    if (missing !== before) quietSince = Date.now();
    before = missing;
    await pause(250);
  }
}

function missingOf(receiver: CrashReceiver, way: string, wanted: string[]): number {
  const { counts } = receiver.way(way);
  return wanted.filter((uuid) => !counts.has(uuid)).length;
}

function report(
  title: string,
  receiver: CrashReceiver,
  load: CrashLoad,
  struck: Map<string, number>,
  host: HostProcess,
): Goal[] {
  console.log(`  killed: ${[...struck].map(([what, count]) => `${what} ${count} times`).join(", ")}`);
  console.log(`  acknowledged: ${load.acknowledged.size} events; batches sent again: ${load.repeated}`);
  const goals: Goal[] = [];
  for (const name of WAYS) {
    const way = receiver.way(name);
    const lost = missingOf(receiver, name, [...load.acknowledged.keys()]);
    console.log(
      `  ${name.padEnd(12)} lost: ${lost}, duplicates: ${way.duplicates}, order kept: ${
        way.outOfOrder === 0 ? "yes" : `no (${way.outOfOrder})`
      }, ` +
        `past a plugin: ${way.unmarked}`,
    );
    goals.push({ what: `${title}: ${name} lost: ${lost}`, met: lost === 0 });
    goals.push({ what: `${title}: ${name} past a plugin: ${way.unmarked}`, met: way.unmarked === 0 });
    // Retries of onEvent are jobs, as documented: only they may come later than their successors.
    if (name !== "onEvent") goals.push({ what: `${title}: ${name} in order`, met: way.outOfOrder === 0 });
  }
  const jobs = receiver.way("jobs");
  const wanted = expectedJobs(receiver, load);
  const lost = missingOf(receiver, "jobs", wanted);
  const late = jobs.lateness.toSorted((a, b) => a - b);
  console.log(
    `  jobs         lost: ${lost} of ${wanted.length}, refused: ${receiver.way("webhook").refused.size}, ` +
      `duplicates: ${jobs.duplicates}, ` +
      `after their time: median ${late[late.length >> 1] ?? 0} ms, most ${late.at(-1) ?? 0} ms, least ${
        late[0] ?? 0
      } ms`,
  );
  goals.push({ what: `${title}: jobs lost: ${lost}`, met: lost === 0 });
  goals.push({ what: `${title}: no job before its time`, met: (late[0] ?? 0) >= 0 });
  goals.push({ what: `${title}: the host never ended by itself`, met: host.unexpectedEnds === 0 });
  return goals;
}

/** Rejects when a plugin does not come up. */
async function allRunning(host: HostProcess): Promise<void> {
  for (const deadline = Date.now() + 60_000;;) {
    const { results } = await host.api("/api/plugin_configs") as { results: { state: string }[] };
    if (results.every(({ state }) => state === "running")) return;
    if (Date.now() > deadline) throw new Error(`Cannot start: the plugins are ${results.map(({ state }) => state)}`);
    await pause(200);
  }
}

async function killHost(host: HostProcess): Promise<string> {
  await host.kill();
  await host.start();
  return "host";
}

async function killCell(host: HostProcess): Promise<string> {
  const { results } = await host.api("/api/plugin_configs") as { results: { pid: number | null }[] };
  const pids = results.flatMap(({ pid }) => pid === null ? [] : [pid]);
  const pid = pids[Math.floor(Math.random() * pids.length)];
  if (pid === undefined) return "nothing (no cell ran)";
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return "a cell";
}

async function killServer(server: PrivateServer, name: string): Promise<string> {
  await server.kill();
  await pause(Math.random() * 3000);
  await server.start();
  return name;
}

/** Waits until so many events have come out. */
async function arrive(receiver: CrashReceiver, count: number): Promise<void> {
  while (receiver.way("webhook").counts.size < count) await pause(50);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

printMachine();
const goals: Goal[] = [];
if (flags.only !== "distributed") {
  goals.push(
    ...await run({
      title: "SQLite and memory; host and cells killed",
      env: {},
      strikes: 2 * kills,
      strike: (() => {
        let turn = 0;
        return (host) => turn++ % 2 === 0 ? killHost(host) : killCell(host);
      })(),
    }),
  );
}
if (flags.only !== "embedded") {
  await using postgres = await startPostgres({ fsync: true });
  await using redis = await startRedis();
  let turn = 0;
  goals.push(
    ...await run({
      title: "Postgres and Redis; both, host and cells killed",
      env: { DATABASE_URL: await postgres.createDatabase(), REDIS_URL: redis.url },
      strikes: Math.ceil(kills * 0.8),
      strike: (host) => {
        switch (turn++ % 4) {
          case 0:
            return killServer(postgres, "Postgres");
          case 1:
            return killServer(redis, "Redis");
          case 2:
            return killHost(host);
          default:
            return killCell(host);
        }
      },
    }),
  );
}
printGoals(goals);
