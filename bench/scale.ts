/**
 * Many plugin configs at once: how long the service takes until all are ready, what they cost in memory, and how much
 * work gets done. Four plugins in each project, one cell each; and once more with a cell for each project.
 * @module
 */

import { startTestService } from "../tests/kit/service.ts";
import { childrenOf, isCell, processorOf, pssMb } from "./kit/process_figures.ts";
import { type Goal, printGoals, printMachine } from "./kit/report.ts";
import { receiveSentinels } from "./kit/sentinel_receiver.ts";
import { BATCH, freshEvent, post, sentinel } from "./kit/service_load.ts";
import { pluginSources } from "./workload.ts";

type Isolation = "each" | "shared";

const SIZES: [count: number, isolation: Isolation][] = [
  [1, "each"],
  [10, "each"],
  [50, "each"],
  [200, "each"],
  [200, "shared"],
];
const PLUGINS_A_PROJECT = 4;
/** Calls of processEvent in each measurement, shared out among the projects. */
const CALLS = 240_000;
/**
 * Events that each project gets before: every cell compiles the hot parts of its sandbox for itself, which takes it
 * about as many calls.
 */
const WARM_EVENTS = 1_500;

interface Row {
  startMs: number;
  /** Of host and cells, until all were ready. */
  startCpuMs: number;
  /** Proportional set size of host and cells. */
  hostMb: number;
  cellsMb: number;
  cells: number;
  callsPerSecond: number;
}

printMachine();
const rows: Row[] = [];
for (const [count, isolation] of SIZES) {
  const row = await measure(count, isolation);
  rows.push(row);
  console.log(
    `${String(count).padStart(4)} plugin configs, ${isolation.padEnd(6)}  ready in ${
      seconds(row.startMs).padStart(6)
    } ` +
      `(${seconds(row.startCpuMs)} of processor time)  host ${row.hostMb.toFixed(0)} MB, ` +
      `${row.cells} cells of ${(row.cellsMb / row.cells).toFixed(0)} MB  ${Math.round(row.callsPerSecond)} calls/s`,
  );
}
printGoals(goals(rows));

function goals(rows: Row[]): Goal[] {
  const [, ten, fifty, twoHundred, shared] = rows as [Row, Row, Row, Row, Row];
  const share = twoHundred.callsPerSecond / ten.callsPerSecond;
  const cellMb = twoHundred.cellsMb / twoHundred.cells;
  const sharedMb = shared.hostMb + shared.cellsMb;
  return [
    { what: `50 plugin configs ready within 3 s: ${seconds(fifty.startMs)}`, met: fifty.startMs <= 3_000 },
    { what: `200 ready within 12 s: ${seconds(twoHundred.startMs)}`, met: twoHundred.startMs <= 12_000 },
    { what: `200 do ≥ 0.7 × the work of 10: ${share.toFixed(2)}`, met: share >= 0.7 },
    { what: `an idle cell takes ≤ 32 MB: ${cellMb.toFixed(0)} MB`, met: cellMb <= 32 },
    { what: `200 shared in 50 projects ready within 10 s: ${seconds(shared.startMs)}`, met: shared.startMs <= 10_000 },
    { what: `200 shared take ≤ 2048 MB: ${sharedMb.toFixed(0)} MB`, met: sharedMb <= 2048 },
  ];
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

async function measure(count: number, isolation: Isolation): Promise<Row> {
  await using receiver = receiveSentinels();
  const projects = projectsOf(count, isolation, receiver.destination);
  const begin = performance.now();
  await using service = await startTestService({ config: { projects } });
  await untilReady(service.api);
  const startMs = performance.now() - begin;
  const { hostMb, cellsMb, cells, cpuMs } = figures(service.pid);

  const calls = projects.reduce((sum, project) => sum + project.plugins.length, 0);
  const eventsEach = Math.ceil(CALLS / calls);
  await work(service.url, projects, Math.min(WARM_EVENTS, eventsEach), receiver);
  const start = performance.now();
  const end = await work(service.url, projects, eventsEach, receiver);
  const callsPerSecond = eventsEach * calls / (end - start) * 1000;
  return { startMs, startCpuMs: cpuMs, hostMb, cellsMb, cells, callsPerSecond };
}

function projectsOf(count: number, isolation: Isolation, destination: Record<string, unknown>) {
  const sources = pluginSources(PLUGINS_A_PROJECT);
  const ids = Array.from({ length: count }, (_, index) => index + 1);
  return Array.from({ length: Math.ceil(count / PLUGINS_A_PROJECT) }, (_, index) => ({
    id: index + 1,
    token: `phc_scale_${index + 1}`,
    isolation,
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

/** Of the host and of all its cells together. */
function figures(host: number) {
  const children = childrenOf(host);
  const cells = children.filter(isCell);
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  return {
    hostMb: pssMb(host),
    cellsMb: sum(cells.map(pssMb)),
    cells: cells.length,
    cpuMs: sum([host, ...children].map((pid) => processorOf(pid).ms)),
  };
}
