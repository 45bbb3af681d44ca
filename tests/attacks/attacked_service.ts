/**
 * The whole service as a process of its own, spoken to as its users do: events in by the capture API, out by the
 * outbox.
 * @module
 */

import { join } from "node:path";
import { cpuMs, isRunning, rssMb, treeOf } from "./process_tree.ts";
import { killChild } from "../kit/servers/kill_child.ts";

export interface OutEvent {
  uuid: string;
  event: string;
  distinct_id: string;
  team_id: number;
  properties: Record<string, unknown>;
  [field: string]: unknown;
}

export interface PluginView {
  id: number;
  state: string;
  reason: string | null;
  last_error: { name: string; message: string } | null;
}

const ADMIN_TOKEN = "attacks";
const START_MS = 60_000;
/** How much longer than the host its cells may take to end. */
const LEFT_MS = 300;

const STARTED = ["running", "disabled", "retrying_setup"];

/** Path of the program. */
const MAIN = new URL("../../main.ts", import.meta.url).pathname;

export interface AttackedService extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
  /** Resolves when the process ends. */
  readonly ended: Promise<Deno.CommandStatus>;
  post(token: string, event: Record<string, unknown>): Promise<void>;
  signal(name: Deno.Signal): void;
  /** Events of a project after the cursor, and the cursor behind them. */
  read(project: number, after: string): Promise<{ events: OutEvent[]; next: string }>;
  plugin(id: number): Promise<PluginView>;
  hostRssMb(): number;
  treeRssMb(): number;
  treeCpuMs(): number;
  alive(): boolean;
  /** As an operator stops it; resolves with the pids that are still there, and what it took. */
  stop(): Promise<{ tookMs: number; left: number[] }>;
  /** What it wrote to its output so far. */
  output(): string;
}

/**
 * `configuration` is the content of hogpen.json, `program` what is run in place of main.ts. Resolves when every plugin
 * is running or disabled.
 */
export async function startAttackedService(
  folder: string,
  configuration: unknown,
  program = MAIN,
): Promise<AttackedService> {
  const config = join(folder, "hogpen.json");
  await Deno.writeTextFile(config, JSON.stringify(configuration));
  const port = freePort();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--cached-only", program, "start", "--config", config],
    env: { HOGPEN_DATA: join(folder, "data"), HOGPEN_PORT: String(port), HOGPEN_ADMIN_TOKEN: ADMIN_TOKEN },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const base = `http://127.0.0.1:${port}`;
  let text = "";
  let ended = false;
  const reading = [child.stdout, child.stderr].map((stream) =>
    collect(stream, (chunk) => text = (text + chunk).slice(-20_000))
  );
  const status = child.status.then((value) => {
    ended = true;
    return value;
  });

  async function get<T>(path: string): Promise<{ results: T[]; cursor: string | null }> {
    const response = await fetch(base + path, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
    if (!response.ok) throw new Error(`Cannot get ${path}: ${response.status} ${await response.text()}`);
    return { ...await response.json(), cursor: response.headers.get("x-cursor") };
  }

  async function plugins(): Promise<PluginView[]> {
    return (await get<PluginView>("/_hogpen/api/plugin_configs")).results;
  }

  const service: AttackedService = {
    pid: child.pid,
    port,
    ended: status,
    async post(token, event) {
      const response = await fetch(`${base}/e`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ ...event, api_key: token }),
      });
      const answer = await response.text();
      if (!response.ok) throw new Error(`Cannot send an event: ${response.status} ${answer}`);
    },
    signal: (name) => killChild(child, name),
    async read(project, after) {
      const path = `/_hogpen/api/projects/${project}/events?limit=500&after=${encodeURIComponent(after)}`;
      const { results, cursor } = await get<OutEvent>(path);
      return { events: results, next: cursor ?? after };
    },
    async plugin(id) {
      const found = (await plugins()).find((plugin) => plugin.id === id);
      if (found === undefined) throw new Error(`Cannot find plugin config ${id}`);
      return found;
    },
    hostRssMb: () => rssMb(child.pid),
    treeRssMb: () => treeOf(child.pid).reduce((sum, pid) => sum + rssMb(pid), 0),
    treeCpuMs: () => treeOf(child.pid).reduce((sum, pid) => sum + cpuMs(pid), 0),
    alive: () => !ended,
    async stop() {
      const tree = treeOf(child.pid);
      const start = performance.now();
      killChild(child, "SIGTERM");
      await status;
      const tookMs = performance.now() - start;
      for (const until = performance.now() + LEFT_MS; performance.now() < until && tree.some(isRunning);) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return { tookMs, left: tree.filter(isRunning) };
    },
    output: () => text,
    async [Symbol.asyncDispose]() {
      killChild(child);
      await status;
      await Promise.all(reading);
    },
  };

  for (const until = performance.now() + START_MS; performance.now() < until && !ended;) {
    try {
      const states = (await plugins()).map(({ state }) => state);
      if (states.every((state) => STARTED.includes(state))) return service;
    } catch {
      // It does not listen yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await service[Symbol.asyncDispose]();
  throw new Error(`Cannot start the service: ${text.slice(-2000)}`);
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

async function collect(stream: ReadableStream<Uint8Array>, take: (text: string) => void): Promise<void> {
  for await (const chunk of stream.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)) {
    take(chunk);
  }
}
