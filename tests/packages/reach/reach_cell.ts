/**
 * A cell in which plugins know what they must not find.
 * @module
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Cell } from "../../../host/cells/process/cell.ts";
import { ProcessWatch } from "../../../host/cells/process/process_watch.ts";
import { killChild } from "../../kit/servers/kill_child.ts";

/** What one of reach_plugins.ts found. */
export interface Reached {
  objects: number;
  functions: number;
  calls: number;
  /** By the way to it, what it is. */
  found: Record<string, string>;
}

/** What `packageExplorer` found. */
export interface Explored {
  walked: Pick<Reached, "objects" | "found">;
  called: Reached;
}

/** Runs the plugin on an event that names a module. `worker` is the path of the Worker's file. */
export async function reach<Found = Reached>(
  name: string,
  code: string,
  worker = pathOf("./worker.ts"),
): Promise<Found> {
  using watch = new ProcessWatch();
  await using cell = new Cell({
    process: startReachCell(worker),
    watch,
    deadlineMs: 60_000,
    memoryBytes: 2e9,
    callService: () => Promise.resolve(null),
    onLog() {},
  });
  const { plugins: [loaded] } = await cell.load({
    plugins: [{
      pluginConfigId: 39,
      teamId: 2,
      name: "walker",
      files: { "index.js": code },
      main: "index.js",
      config: {},
      attachments: {},
      scheduledTasks: [],
    }],
    deadlineMs: 60_000,
    egressAllow: [],
  });
  assert.ok(loaded && "capabilities" in loaded, JSON.stringify(loaded));
  const text = new TextEncoder().encode(JSON.stringify({ event: name, team_id: 2, properties: {} }));
  const { events, errors } = await cell.batch("processEvent", [0], { lengths: [text.byteLength], body: text });
  assert.deepEqual(errors, []);
  return JSON.parse(new TextDecoder().decode(events?.body)) as Found;
}

/** Writes the Worker's file without one of its steps into the folder; returns its path. */
export async function writeWorkerWithout(step: string, folder: string): Promise<string> {
  const own = new URL("../../../sandbox/boot/worker.ts", import.meta.url);
  const text = await Deno.readTextFile(own);
  const line = `\n${step}();\n`;
  assert.ok(text.includes(line), `the Worker has no step ${step}`);
  const code = text.replace(line, "\n").replaceAll(/"(\.\.?\/[^"]+)"/g, (_, path: string) => `"${new URL(path, own)}"`);
  const path = `${folder}/worker_without_${step}.ts`;
  await Deno.writeTextFile(path, `import "${new URL("./forbidden.ts", import.meta.url)}";\n${code}`);
  return path;
}

function pathOf(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url)).replace(/\/$/, "");
}

/** Net rights as a cell has them; none of the addresses is reached. */
function startReachCell(worker: string) {
  const folders = ["../../../sandbox/", "../../../runtime/", "../../../node_modules/", "../../../deno.json", "./"];
  const { HOME = "/", DENO_DIR = `${HOME}/.cache/deno` } = Deno.env.toObject();
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--cached-only",
      `--config=${pathOf("../../../deno.json")}`,
      "--allow-net",
      "--deny-net=127.0.0.0/8,10.0.0.0/8,169.254.0.0/16,8.8.8.8",
      `--allow-read=${[...folders.map(pathOf), worker]}`,
      pathOf("./cell.ts"),
      JSON.stringify({ worker }),
    ],
    cwd: "/",
    clearEnv: true,
    env: { DENO_DIR },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  return {
    pid: child.pid,
    writable: child.stdin,
    readable: child.stdout,
    stderr: child.stderr,
    status: child.status,
    kill: () => killChild(child),
  };
}
