/**
 * From a clone to the first event out of the outbox, with nothing in any cache: `deno task bench first_start [runs]`.
 * Beside it, what the registry and Deno cost on the same machine: a program of one line, and Hono's hello world. Then
 * starts with everything there. Every run has an empty folder, an empty DENO_DIR and an empty npm cache; `npx` fetches
 * Deno itself each time, as a machine with Node alone does.
 * @module
 */

import { fileURLToPath } from "node:url";
import { freePort } from "../tests/kit/servers/server_process.ts";
import { median, printGoals, printMachine } from "./kit/report.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const DENO = "deno@2.9.6";
const GIVE_UP_MS = 300_000;

interface Start {
  /** From the command to the answer, without the fetch of Deno itself. */
  seconds: number;
  packages: number;
  /** node_modules and Deno's cache; a file in both counts once. */
  megabytes: number;
  /** Lines printed until it answered, and up to the line with its address. */
  lines: number;
}

/** Prepares the folder; then `npx deno …args` is timed until `answers` says yes. */
interface Contender {
  name: string;
  prepare(folder: string): Promise<void>;
  args(port: number): string[];
  answers(url: string, folder: string): Promise<boolean>;
}

const HONO = `
import { Hono } from "npm:hono@4.13.19";
const app = new Hono().get("/", (context) => context.text("Hello"));
Deno.serve({ port: Number(Deno.args[0]), onListen() {} }, app.fetch);
`;
const BARE = `Deno.serve({ port: Number(Deno.args[0]), onListen() {} }, () => new Response("Hello"));`;

const contenders: Contender[] = [
  script("one line", BARE),
  script("Hono hello world", HONO),
  {
    name: "Hogpen",
    prepare: (folder) => run("git", ["clone", "-q", ROOT, folder]),
    args: (port) => ["task", "start", "--port", String(port)],
    answers: firstEvent,
  },
];

const runs = Number(Deno.args[1] ?? 5);
if (!Number.isInteger(runs) || runs < 1) {
  console.error(`Cannot run bench first_start ${Deno.args[1]}: expected a number of runs`);
  Deno.exit(2);
}
const denoSeconds: number[] = [];
const cold = new Map<string, Start[]>(contenders.map(({ name }) => [name, []]));
const warm: number[] = [];
for (let turn = 0; turn < runs; turn++) {
  for (const contender of contenders) (cold.get(contender.name) as Start[]).push(await coldStart(contender));
}

printMachine();
console.log(`Deno itself, by npx: ${median(denoSeconds).toFixed(1)} s, not part of what follows`);
for (const [name, starts] of cold) {
  const { seconds, packages, megabytes, lines } = medians(starts);
  const all = starts.map((start) => start.seconds.toFixed(1)).join(", ");
  console.log(
    `${name.padEnd(16)} ${
      seconds.toFixed(1).padStart(5)
    } s (${all})  ${packages} packages, ${megabytes} MB, ${lines} lines`,
  );
}
console.log(`Hogpen, warm, to listening: ${median(warm).toFixed(2)} s (${warm.map((s) => s.toFixed(2)).join(", ")})`);

const own = medians(cold.get("Hogpen") as Start[]);
const hono = medians(cold.get("Hono hello world") as Start[]);
printGoals([
  { what: "at most 90 packages", met: own.packages <= 90 },
  { what: "at most 60 MB on disk", met: own.megabytes <= 60 },
  { what: "at most 10 lines before the announcement", met: own.lines <= 10 },
  { what: "at most twice the time of Hono's hello world and 3 s", met: own.seconds <= 2 * hono.seconds + 3 },
  { what: "warm, listening in 0.6 s", met: median(warm) <= 0.6 },
]);

function medians(starts: Start[]): Start {
  const of = (read: (start: Start) => number) => median(starts.map(read));
  return {
    seconds: of(({ seconds }) => seconds),
    packages: of(({ packages }) => packages),
    megabytes: of(({ megabytes }) => megabytes),
    lines: of(({ lines }) => lines),
  };
}

async function coldStart(contender: Contender): Promise<Start> {
  const place = await Deno.makeTempDir({ prefix: "hogpen_first_start_" });
  const folder = `${place}/clone`;
  const env = { DENO_DIR: `${place}/deno`, npm_config_cache: `${place}/npm`, NO_COLOR: "1" };
  try {
    await contender.prepare(folder);
    const began = performance.now();
    await run("npx", ["-y", DENO, "--version"], env);
    denoSeconds.push((performance.now() - began) / 1000);
    const first = await timedStart(contender, folder, env);
    const packages = await countPackages(folder, env.DENO_DIR);
    if (contender.name === "Hogpen") {
      const again = await timedStart({ ...contender, answers: listens }, folder, env, ["deno"]);
      warm.push(again.seconds);
    }
    return { ...first, packages, megabytes: await diskOf([`${folder}/node_modules`, env.DENO_DIR]) };
  } finally {
    await Deno.remove(place, { recursive: true });
  }
}

async function timedStart(
  contender: Contender,
  folder: string,
  env: Record<string, string>,
  program = ["npx", "-y", DENO],
): Promise<Pick<Start, "seconds" | "lines">> {
  const port = freePort();
  const [command = "", ...before] = program;
  const began = performance.now();
  const child = new Deno.Command("setsid", {
    args: [command, ...before, ...contender.args(port)],
    cwd: folder,
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let output = "";
  const reading = Promise.all([child.stdout, child.stderr].map(async (stream) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) output += text;
  }));
  try {
    for (;;) {
      if (await contender.answers(`http://127.0.0.1:${port}`, folder).catch(() => false)) break;
      if (performance.now() - began > GIVE_UP_MS) throw new Error(`${contender.name} did not answer:\n${output}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return { seconds: (performance.now() - began) / 1000, lines: linesBefore(output) };
  } finally {
    // npx and `deno task` have children, and are of one session.
    await run("kill", ["-TERM", "--", `-${child.pid}`]).catch(() => {});
    await child.status;
    await reading;
  }
}

/** What it says on the way: the announcement itself is what a user waits for. */
function linesBefore(output: string): number {
  const [way = ""] = output.split(/^.*listens at /m);
  return way.split("\n").filter((line) => line.trim() !== "").length;
}

/** Sends an event and looks for it behind the plugins. */
async function firstEvent(url: string, folder: string): Promise<boolean> {
  const event = { api_key: "phc_local", event: "first", distinct_id: "me", properties: {} };
  const headers = { "content-type": "application/json" };
  if (!(await answered(`${url}/capture`, { method: "POST", headers, body: JSON.stringify(event) })).ok) return false;
  const token = (await Deno.readTextFile(`${folder}/data/admin_token`)).trim();
  const { text } = await answered(`${url}/_hogpen/api/projects/1/events`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return text.includes('"hello":"world"');
}

async function listens(url: string): Promise<boolean> {
  return (await answered(`${url}/_health`)).ok;
}

async function answered(url: string, init: RequestInit = {}): Promise<{ ok: boolean; text: string }> {
  const response = await fetch(url, init);
  return { ok: response.ok, text: await response.text() };
}

function script(name: string, code: string): Contender {
  return {
    name,
    async prepare(folder) {
      await Deno.mkdir(folder);
      await Deno.writeTextFile(`${folder}/main.ts`, code);
    },
    args: (port) => ["run", "-A", "main.ts", String(port)],
    answers: async (url) => (await answered(url)).ok,
  };
}

async function run(command: string, args: string[], env: Record<string, string> = {}): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args, env, stdin: "null", stdout: "null" }).output();
  if (!success) throw new Error(`${command} ${args.join(" ")} failed: ${new TextDecoder().decode(stderr)}`);
}

/** In node_modules, or in the cache where there is none. */
async function countPackages(folder: string, denoDir: string): Promise<number> {
  const installed = await Array.fromAsync(Deno.readDir(`${folder}/node_modules/.deno`)).catch(() => null);
  if (installed !== null) return installed.filter(({ name, isDirectory }) => isDirectory && name.includes("@")).length;
  const manifests = await output("sh", ["-c", `find "${denoDir}/npm" -maxdepth 4 -name package.json | wc -l`]);
  return Number(manifests);
}

async function diskOf(folders: string[]): Promise<number> {
  const there = await Promise.all(folders.map((folder) => Deno.stat(folder).then(() => [folder], () => [])));
  const lines = (await output("du", ["-smc", ...there.flat()])).trim().split("\n");
  return parseInt(lines.at(-1) ?? "");
}

async function output(command: string, args: string[]): Promise<string> {
  return new TextDecoder().decode((await new Deno.Command(command, { args }).output()).stdout);
}
