/**
 * What each provided module costs a plugin that imports it: the time of its load and the memory of its cell, on top of
 * those of a plugin that imports nothing. Each is loaded in a cell of its own, started as the service starts it.
 *
 *     deno task bench imports [rounds]
 * @module
 */

import { Cell } from "../host/cells/process/cell.ts";
import { startCellProcess } from "../host/cells/process/cell_process.ts";
import { denyNetFlag } from "../host/cells/egress/egress.ts";
import { ProcessWatch } from "../host/cells/process/process_watch.ts";
import { PROVIDED_MODULES } from "../runtime/modules.ts";
import { median, printGoals, printMachine } from "./kit/report.ts";

const ROUNDS = Number(Deno.args[1] ?? 5);
/** Of the time and memory of a cell whose plugin imports nothing. */
const GOALS = { timeRatio: 8, memoryRatio: 2.5 } as const;

interface Cost {
  /** From the start of the process to a loaded plugin. */
  startMs: number;
  loadMs: number;
  rssMb: number;
  pssMb: number;
}

const denyNet = await denyNetFlag([], { resolve: () => Promise.resolve([]), ownIpv6: [] });

async function measure(code: string): Promise<Cost> {
  const watch = new ProcessWatch();
  const startedAt = performance.now();
  const cell = new Cell({
    process: startCellProcess({ memoryMb: 256, denyNet }),
    watch,
    deadlineMs: 60_000,
    memoryBytes: 1e9,
    callService: () => Promise.resolve(null),
    onLog() {},
  });
  try {
    // The process is there when the first plugin is.
    await cell.load(request("exports.processEvent = (event) => event"));
    const runsAt = performance.now();
    const { plugins: [loaded] } = await cell.load(request(code));
    const loadedAt = performance.now();
    if (loaded === undefined || "error" in loaded) throw new Error(loaded?.error.message);
    return { startMs: runsAt - startedAt, loadMs: loadedAt - runsAt, ...await readMemory(cell.pid) };
  } finally {
    await cell[Symbol.asyncDispose]();
    watch[Symbol.dispose]();
  }
}

function request(code: string) {
  const spec = { pluginConfigId: 1, teamId: 1, name: "imports", config: {}, attachments: {}, scheduledTasks: [] };
  return {
    plugins: [{ ...spec, files: { "index.js": code }, main: "index.js" }],
    deadlineMs: 60_000,
    egressAllow: [],
  };
}

async function readMemory(pid: number): Promise<{ rssMb: number; pssMb: number }> {
  const text = await Deno.readTextFile(`/proc/${pid}/smaps_rollup`);
  const read = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1]) / 1024;
  return { rssMb: read("Rss"), pssMb: read("Pss") };
}

function middle(costs: Cost[]): Cost {
  const of = (key: keyof Cost) => median(costs.map((cost) => cost[key]));
  return { startMs: of("startMs"), loadMs: of("loadMs"), rssMb: of("rssMb"), pssMb: of("pssMb") };
}

/** As pinned in deno.json; Node's own modules come with Deno. */
async function versions(): Promise<Map<string, string>> {
  const { imports } = JSON.parse(await Deno.readTextFile(new URL("../deno.json", import.meta.url)));
  return new Map(
    Object.entries(imports as Record<string, string>).map(([name, at]) => [name, at.split("@").at(-1) ?? ""]),
  );
}

/** These are the sandbox's own work; the package of that name is not loaded. */
const OWN: readonly string[] = ["@posthog/plugin-scaffold", "node-fetch"];

printMachine();
const names = ["", ...PROVIDED_MODULES];
const costs = new Map<string, Cost[]>(names.map((name) => [name, []]));
// Round by round, so that a busy moment of the machine falls on all alike.
for (let round = 0; round < ROUNDS; round++) {
  for (const name of names) {
    const load = name === "" ? "" : `require(${JSON.stringify(name)});`;
    costs.get(name)?.push(await measure(`${load} exports.processEvent = (event) => event`));
  }
}
const known = await versions();
const empty = middle(costs.get("") ?? []);
console.log(
  `\nwithout imports: ${Math.round(empty.startMs)} ms from nothing to a loaded plugin, ` +
    `${empty.rssMb.toFixed(0)} MB RSS, ${empty.pssMb.toFixed(0)} MB PSS; medians of ${ROUNDS}\n`,
);
console.log("| Module | Version | ms more | MB RSS more | MB PSS more |");
console.log("|---|---|---:|---:|---:|");
let slowest = 0;
let largest = 0;
for (const name of PROVIDED_MODULES) {
  const cost = middle(costs.get(name) ?? []);
  const more = (key: keyof Cost, digits = 0) => Math.max(0, cost[key] - empty[key]).toFixed(digits);
  const version = OWN.includes(name) ? "own" : known.get(name) ?? "Deno's";
  console.log(`| \`${name}\` | ${version} | ${more("loadMs")} | ${more("rssMb", 1)} | ${more("pssMb", 1)} |`);
  slowest = Math.max(slowest, cost.loadMs / empty.startMs);
  largest = Math.max(largest, cost.pssMb / empty.pssMb);
}
console.log();
printGoals([
  {
    what: `no module takes ${GOALS.timeRatio} times as long as a cell takes to start: ${slowest.toFixed(1)} times`,
    met: slowest < GOALS.timeRatio,
  },
  {
    what: `no module makes a cell ${GOALS.memoryRatio} times as large: ${largest.toFixed(1)} times`,
    met: largest < GOALS.memoryRatio,
  },
]);
