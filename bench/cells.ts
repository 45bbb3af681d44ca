/**
 * What a cell costs: time from its start to the first answer, and memory when idle, for 1, 10 and 50 of them; beside a
 * bare Deno process that answers one line.
 *
 *     deno task bench cells
 * @module
 */

import { Cell } from "../host/cells/process/cell.ts";
import { builtSandbox } from "../host/cells/process/built_sandbox.ts";
import { startCellProcess } from "../host/cells/process/cell_process.ts";
import { denyNetFlag } from "../host/cells/egress/egress.ts";
import { ProcessWatch } from "../host/cells/process/process_watch.ts";
import { systemNames } from "../host/cells/egress/system_names.ts";
import { loadPlugin } from "../host/loader/load_plugin.ts";
import { encodeEvents } from "../host/router/encode_events.ts";
import { pssMb } from "./kit/process_figures.ts";
import { workloadEvent } from "./workload.ts";

const COUNTS = [1, 10, 50];
/** For a single one the median of several. */
const ROUNDS = 9;
/** V8 gives back what starting took in steps, the last of them half a minute later. */
const SETTLE_MS = 2_000;
const IDLE_MS = 45_000;

const GOAL_MS = 150;
const GOAL_MB = 32;
/** Until the last of fifty that start at once has answered. */
const GOAL_FIFTY_MS = 3_000;

interface Started {
  pid: number;
  ms: number;
  end(): Promise<void>;
}

interface Measured {
  times: number[];
  settledMb: number;
  idleMb: number;
}

const watch = new ProcessWatch();
const denyNet = await denyNetFlag([], systemNames());
const sandbox = await builtSandbox();
const plugin = await loadPlugin({
  inline: "export function processEvent(event) { event.properties.seen = true; return event }",
});
const events = encodeEvents([{ event: new TextEncoder().encode(JSON.stringify(workloadEvent(1))) }]);
const missed: string[] = [];

console.log(`${navigator.hardwareConcurrency} cores; milliseconds to the first answer, MB of PSS of each when idle`);
console.log("            at once    ms: median    worst    MB each: after 2 s    after 45 s");
for (const [name, start] of [["bare Deno", startBare], ["cell", startCell]] as const) {
  await (await start()).end();
  for (const count of COUNTS) {
    const { times, settledMb, idleMb } = await measure(start, count);
    const median = times[Math.floor(times.length / 2)] as number;
    const worst = times.at(-1) as number;
    console.log(
      `${name.padEnd(12)}${String(count).padStart(7)}${median.toFixed(0).padStart(14)}${worst.toFixed(0).padStart(9)}${
        settledMb.toFixed(1).padStart(22)
      }${idleMb.toFixed(1).padStart(14)}`,
    );
    if (name === "cell" && count === 1 && median > GOAL_MS) {
      missed.push(`one cell answers after ${median.toFixed(0)} ms`);
    }
    if (name === "cell" && count === 50 && worst > GOAL_FIFTY_MS) {
      missed.push(`the last of 50 cells answers after ${worst.toFixed(0)} ms`);
    }
    if (name === "cell" && idleMb > GOAL_MB) {
      missed.push(`${count} cells take ${idleMb.toFixed(1)} MB each`);
    }
  }
}
console.log(missed.length === 0 ? "all goals met" : `goals missed: ${missed.join("; ")}`);
if (missed.length > 0) Deno.exitCode = 1;
watch[Symbol.dispose]();

async function measure(start: () => Promise<Started>, count: number): Promise<Measured> {
  const times: number[] = [];
  const each = (all: Started[]) => all.reduce((sum, { pid }) => sum + pssMb(pid), 0) / count;
  let settledMb = 0;
  let idleMb = 0;
  for (let round = 0; round < (count === 1 ? ROUNDS : 1); round++) {
    const all = await Promise.all(Array.from({ length: count }, start));
    times.push(...all.map(({ ms }) => ms));
    if (round === 0) {
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      settledMb = each(all);
      await new Promise((resolve) => setTimeout(resolve, IDLE_MS - SETTLE_MS));
      idleMb = each(all);
    }
    await Promise.all(all.map(({ end }) => end()));
  }
  return { times: times.sort((a, b) => a - b), settledMb, idleMb };
}

async function startCell(): Promise<Started> {
  const begin = performance.now();
  const cell = new Cell({
    process: startCellProcess({ memoryMb: 256, denyNet }, sandbox),
    watch,
    deadlineMs: 30_000,
    memoryBytes: 256 * 1024 * 1024,
    callService: () => Promise.reject(new Error("Not part of this benchmark")),
    onLog: () => {},
  });
  const spec = {
    pluginConfigId: 1,
    teamId: 1,
    name: "bench",
    files: plugin.files,
    main: plugin.main,
    config: {},
    attachments: {},
    scheduledTasks: [],
  };
  await cell.load({ plugins: [spec], deadlineMs: 30_000, egressAllow: [] });
  await cell.batch("processEvent", [0], events);
  const ms = performance.now() - begin;
  return { pid: cell.pid, ms, end: () => cell[Symbol.asyncDispose]() };
}

async function startBare(): Promise<Started> {
  const begin = performance.now();
  const code = "data:text/javascript,for await (const chunk of Deno.stdin.readable) await Deno.stdout.write(chunk)";
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "--no-config", code],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  const reader = child.stdout.getReader();
  await writer.write(new TextEncoder().encode("line\n"));
  await reader.read();
  const ms = performance.now() - begin;
  return {
    pid: child.pid,
    ms,
    async end() {
      await writer.close();
      await child.status;
      await reader.cancel();
    },
  };
}
