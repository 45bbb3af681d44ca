/**
 * Many plugin configs at once: how long the service takes until all are ready, what they cost in memory, and how much
 * work gets done. Four plugins in each project, one cell each.
 * @module
 */

import { startTestService } from "../tests/kit/service.ts";
import { type Goal, printGoals, printMachine } from "./kit/report.ts";
import { receiveSentinels } from "./kit/sentinel_receiver.ts";
import { BATCH, freshEvent, post, sentinel } from "./kit/service_load.ts";
import { pluginSources } from "./workload.ts";

const COUNTS = [1, 10, 50, 200];
const PLUGINS_A_PROJECT = 4;
/** Calls of processEvent in each measurement, shared out among the projects. */
const CALLS = 240_000;
/**
 * Events that each project gets before: every cell compiles the hot parts of its sandbox for itself, which takes it
 * about as many calls.
 */
const WARM_EVENTS = 1_500;

interface Row {
  count: number;
  startMs: number;
  /** Proportional set size of host and cells. */
  hostMb: number;
  cellMb: number;
  callsPerSecond: number;
}

printMachine();
const rows: Row[] = [];
for (const count of COUNTS) {
  const row = await measure(count);
  rows.push(row);
  console.log(
    `${String(count).padStart(4)} plugin configs  ready in ${(row.startMs / 1000).toFixed(1).padStart(5)} s  host ${
      row.hostMb.toFixed(0)
    } MB, ` +
      `${row.cellMb.toFixed(0)} MB a cell  ${Math.round(row.callsPerSecond)} calls/s`,
  );
}
printGoals(goals(rows));

function goals(rows: Row[]): Goal[] {
  const [, ten, fifty, twoHundred] = rows as [Row, Row, Row, Row];
  const share = twoHundred.callsPerSecond / ten.callsPerSecond;
  return [
    {
      what: `50 plugin configs ready within 10 s: ${(fifty.startMs / 1000).toFixed(1)} s`,
      met: fifty.startMs < 10_000,
    },
    { what: `200 do ≥ 0.7 × the work of 10: ${share.toFixed(2)}`, met: share >= 0.7 },
    { what: `an idle cell takes ≤ 32 MB: ${twoHundred.cellMb.toFixed(0)} MB`, met: twoHundred.cellMb <= 32 },
  ];
}

async function measure(count: number): Promise<Row> {
  await using receiver = receiveSentinels();
  const projects = projectsOf(count, receiver.destination);
  const begin = performance.now();
  await using service = await startTestService({ config: { projects } });
  await untilReady(service.api);
  const startMs = performance.now() - begin;
  const { host, cells } = await memory(service.pid);

  const calls = projects.reduce((sum, project) => sum + project.plugins.length, 0);
  const eventsEach = Math.ceil(CALLS / calls);
  await work(service.url, projects, Math.min(WARM_EVENTS, eventsEach), receiver);
  const start = performance.now();
  const end = await work(service.url, projects, eventsEach, receiver);
  const callsPerSecond = eventsEach * calls / (end - start) * 1000;
  return { count, startMs, hostMb: host, cellMb: cells / count, callsPerSecond };
}

function projectsOf(count: number, destination: Record<string, unknown>) {
  const sources = pluginSources(PLUGINS_A_PROJECT);
  const ids = Array.from({ length: count }, (_, index) => index + 1);
  return Array.from({ length: Math.ceil(count / PLUGINS_A_PROJECT) }, (_, index) => ({
    id: index + 1,
    token: `phc_scale_${index + 1}`,
    plugins: ids.slice(index * PLUGINS_A_PROJECT, (index + 1) * PLUGINS_A_PROJECT)
      .map((id, at) => ({ id, order: at, source: { inline: sources[at], name: `plugin ${id}` } })),
    destinations: [destination],
  }));
}

/** The announcement waits ten seconds for plugins at most. */
async function untilReady(api: <T>(path: string) => Promise<T>): Promise<void> {
  for (;;) {
    const { results } = await api<{ results: { state: string }[] }>("/_hogpen/api/plugin_configs?limit=500");
    if (results.every(({ state }) => state === "running")) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Sends this many events to every project and resolves with the time when the last one came out. */
async function work(
  url: string,
  projects: { token: string }[],
  events: number,
  receiver: { seen(uuid: string): Promise<number> },
): Promise<number> {
  const ends = await Promise.all(projects.map(async ({ token }) => {
    for (let sent = 0; sent < events; sent += BATCH) {
      const size = Math.min(BATCH, events - sent);
      await post(url, Array.from({ length: size }, (_, index) => freshEvent(index)), token);
    }
    const last = sentinel();
    await post(url, [last], token);
    return await receiver.seen(last.uuid);
  }));
  return Math.max(...ends);
}

/** Proportional set sizes in MB: of the host, and of all its cells together. */
async function memory(host: number): Promise<{ host: number; cells: number }> {
  let cells = 0;
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const parent = await Deno.readTextFile(`/proc/${name}/stat`).then(
      (stat) => Number(stat.split(") ")[1]?.split(" ")[1]),
      () => 0,
    );
    if (parent === host) cells += await pss(name);
  }
  return { host: await pss(String(host)), cells };
}

async function pss(pid: string): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${pid}/smaps_rollup`).catch(() => "");
  return Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0) / 1024;
}
