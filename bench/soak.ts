/**
 * `deno task soak <minutes> [exporters|operations]`: the service under 500 events a second for a long time.
 * Descriptors, threads and memory of the host and of each steady plugin, and the disk, are compared with what they were
 * after five minutes (or a third of the time): what grows would end a service that behaves. Each consumer must keep up,
 * too. `exporters` (the default) are plugins of every style that people write; `operations` have a looping plugin, a
 * slow destination and changes of the configuration.
 * @module
 */

import { figuresOf, type ProcessFigures } from "./kit/process_figures.ts";
import { startHostProcess } from "./kit/host_process.ts";
import { type Goal, median, printGoals, printMachine } from "./kit/report.ts";
import { startExporters } from "./kit/soak_exporters.ts";
import { startOperations } from "./kit/soak_operations.ts";
import { SOAK_TOKEN } from "./kit/soak_scenario.ts";

const EVENTS_PER_SECOND = 500;
const BATCH = 50;
const LOOK_MS = 1_000;
const PRINTED_LOOKS = 30;
/** The memory that a process has at least in a window of this length is what does not go away with young objects. */
const WINDOW_MS = 120_000;
/**
 * For the host. V8 would double its young generation at some time in these 30 minutes, for a processor that was busy
 * for a moment, which looks like a leak. In cells it is bounded.
 */
const YOUNG_GENERATION = "--min-semi-space-size=8,--max-semi-space-size=8";
const MAY_GROW = 1.05;
/**
 * What is there for a moment: requests under way; in memory V8's young generation (16 MB), and what its old one holds
 * until it is collected, which can take half an hour. An object of 40 bytes that every event leaves behind is found.
 */
const SLACK = { descriptors: 8, threads: 3, memoryMb: 24, diskMb: 8 };
const STOP_MS = 1_000;
/** Little enough that the disk has to stay as it is after the first minutes. */
const LOG_RETENTION = "64MB";
const MAY_LAG_SECONDS = 10;

const SCENARIOS = { exporters: startExporters, operations: startOperations };

const [given, name = "exporters"] = Deno.args;
const minutes = Number(given);
const startScenario = new Map(Object.entries(SCENARIOS)).get(name);
if (!(minutes > 0) || startScenario === undefined) {
  const expected = `a number of minutes, such as 30, and ${Object.keys(SCENARIOS).join(" or ")}`;
  console.error(`deno task soak: found ${Deno.args.join(" ") || "nothing"}, expected ${expected}`);
  Deno.exit(2);
}
const warmUpMs = Math.min(5, minutes / 3) * 60_000;
const endMs = minutes * 60_000;

printMachine();
await using scenario = startScenario();
const folder = await Deno.makeTempDir({ prefix: "hogpen_soak_" });
const host = await startHostProcess({
  folder,
  config: scenario.config,
  env: { HOGPEN_LOG_RETENTION_BYTES: LOG_RETENTION, DENO_V8_FLAGS: YOUNG_GENERATION },
});

let sent = 0;
const sending = setInterval(
  () => void send().catch((error) => console.error(String(error))),
  BATCH / EVENTS_PER_SECOND * 1000,
);

async function send(): Promise<void> {
  const batch = Array.from({ length: BATCH }, () => ({
    event: scenario.eventName(sent),
    distinct_id: `user-${sent++ % 1000}`,
    properties: { count: sent },
  }));
  const answer = await fetch(`${host.url}/batch`, {
    method: "POST",
    body: JSON.stringify({ api_key: SOAK_TOKEN, batch }),
  });
  if (!answer.ok) throw new Error(`Cannot go on: capture answered ${answer.status} ${await answer.text()}`);
  await answer.body?.cancel();
}

interface Look {
  at: number;
  processes: ProcessFigures[];
  /** Of the data folder. */
  diskMb: number;
}

const cells = await readCells();
console.log(`Disk MB; descriptors/threads/MB of: host, ${cells.map(({ name }) => name).join(", ")}`);
const looks: Look[] = [];
let minutesDone = 0;
const started = performance.now();
while (performance.now() - started < endMs) {
  await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  const at = performance.now() - started;
  const pids = [host.pid, ...cells.map(({ pid }) => pid)];
  looks.push({
    at,
    processes: pids.map(figuresOf).filter((each) => each !== null),
    diskMb: bytesIn(`${folder}/data`) / 1e6,
  });
  if (looks.length % PRINTED_LOOKS === 0) print(looks.at(-1));
  const minute = Math.floor(at / 60_000);
  if (minute === minutesDone) continue;
  minutesDone = minute;
  const changed = scenario.configAfter?.(minute) ?? null;
  if (changed !== null) await Deno.writeTextFile(`${folder}/hogpen.json`, JSON.stringify(changed));
}
clearInterval(sending);

const restarts = (await readCells()).reduce((sum, cell) => sum + cell.restarts, 0);
const [diskBefore, diskAfter] = [leastDisk(warmUpMs), leastDisk(endMs - WINDOW_MS)];
const behind = await readLags();
const stopping = performance.now();
await host.stop();
const stopMs = performance.now() - stopping;
console.log(`${sent} events, ${scenario.summary()}`);
printGoals([
  ...growth(settled(warmUpMs), settled(endMs - WINDOW_MS)),
  {
    what: `disk: ${diskBefore.toFixed(0)} → ${diskAfter.toFixed(0)} MB`,
    met: diskAfter <= Math.max(diskBefore * MAY_GROW, diskBefore + SLACK.diskMb),
  },
  { what: `no steady plugin ended by itself (${restarts})`, met: restarts === 0 },
  ...behind.map(({ consumer, seconds }) => ({
    what: `${consumer} is ${seconds.toFixed(0)} s behind, less than ${MAY_LAG_SECONDS}`,
    met: seconds < MAY_LAG_SECONDS,
  })),
  { what: `the stop took ${Math.round(stopMs)} ms, less than ${STOP_MS}`, met: stopMs < STOP_MS },
]);
await Deno.remove(folder, { recursive: true });
Deno.exit();

function print(look: Look | undefined): void {
  if (look === undefined) return;
  const row = look.processes.map(({ descriptors, threads, memoryMb }) =>
    `${descriptors}/${threads}/${memoryMb.toFixed(0)}`
  );
  console.log(
    `${(look.at / 1000).toFixed(0).padStart(5)} s  ${look.diskMb.toFixed(0).padStart(4)}  ${row.join("  ")}`,
  );
}

function looksFrom(begin: number): Look[] {
  return looks.filter(({ at }) => at >= begin && at <= begin + WINDOW_MS + LOOK_MS);
}

function leastDisk(begin: number): number {
  return Math.min(...looksFrom(begin).map(({ diskMb }) => diskMb));
}

/** What each process had in the window that begins there: the least memory, and the median of what comes and goes. */
function settled(begin: number): Map<number, ProcessFigures> {
  const processes = looksFrom(begin).flatMap((look) => look.processes);
  return new Map(
    [...Map.groupBy(processes, ({ pid }) => pid)].map(([pid, figures]) => [pid, {
      pid,
      descriptors: median(figures.map(({ descriptors }) => descriptors)),
      threads: median(figures.map(({ threads }) => threads)),
      memoryMb: Math.min(...figures.map(({ memoryMb }) => memoryMb)),
    }]),
  );
}

function growth(before: Map<number, ProcessFigures>, after: Map<number, ProcessFigures>): Goal[] {
  return [{ name: "host", pid: host.pid }, ...cells].flatMap(({ name, pid }) => {
    const [then, now] = [before.get(pid), after.get(pid)];
    if (then === undefined || now === undefined) return [{ what: `${name} is the process that it was`, met: false }];
    return (["descriptors", "threads", "memoryMb"] as const).map((what) => ({
      what: `${name}: ${what} ${then[what].toFixed(0)} → ${now[what].toFixed(0)}`,
      met: now[what] <= Math.max(then[what] * MAY_GROW, then[what] + SLACK[what]),
    }));
  });
}

async function readLags(): Promise<{ consumer: string; seconds: number }[]> {
  const text = await (await fetch(`${host.url}/metrics`)).text();
  const lags = text.matchAll(/^hogpen_consumer_lag_seconds\{.*consumer="([^"]+)".*\} (\S+)/gm);
  return Array.from(lags, ([, consumer = "", seconds]) => ({ consumer, seconds: Number(seconds) }));
}

function bytesIn(path: string): number {
  let bytes = 0;
  for (const { name, isFile, isDirectory } of Deno.readDirSync(path)) {
    const at = `${path}/${name}`;
    try {
      bytes += isDirectory ? bytesIn(at) : isFile ? Deno.statSync(at).size : 0;
    } catch (error) {
      // It was a temporary file.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return bytes;
}

/** The steady plugins, when all of them run. */
async function readCells(): Promise<{ name: string; pid: number; restarts: number }[]> {
  for (;;) {
    const { results } = await host.api("/_hogpen/api/plugin_configs") as {
      results: { id: number; pid: number | null; restarts: unknown[] }[];
    };
    const cells = results.flatMap(({ id, pid, restarts }) => {
      const name = scenario.steady.get(id);
      return name === undefined ? [] : [{ name, pid: pid ?? 0, restarts: restarts.length }];
    });
    if (cells.length === scenario.steady.size && cells.every(({ pid }) => pid !== 0)) return cells;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
