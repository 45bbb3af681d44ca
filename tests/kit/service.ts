/**
 * The whole service as a process of its own, as a user starts it, in a temporary folder.
 * @module
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { eventually } from "./eventually.ts";
import { freePort } from "./servers/server_process.ts";
import { temporaryFolder } from "./temporary_folder.ts";
import { killChild } from "./servers/kill_child.ts";

export const ADMIN_TOKEN = "hog_test";

export interface ServiceSetup {
  /** What hogpen.json says; without it the service runs its local project (token `phc_local`, id 1). */
  config?: unknown;
  /** Settings by variable. */
  env?: Record<string, string>;
  /** Default `start`. */
  command?: string[];
  /** Of deno. */
  flags?: string[];
  /** Another copy of the program than this one. */
  main?: string;
}

/** An event as the API shows it. */
export interface ShownEvent {
  uuid: string;
  event: string;
  distinct_id: string;
  timestamp: string;
  properties: Record<string, unknown>;
  [field: string]: unknown;
}

export interface RunningService extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** Holds the configuration, and the data under `data`. */
  readonly folder: string;
  /** What it printed so far. */
  output(): string;
  /** Sends one request to a capture endpoint as JSON; asserts that it was taken. */
  capture(body: unknown, path?: string): Promise<void>;
  api<T>(path: string, method?: string, body?: unknown): Promise<T>;
  /** The events of a project, once there are at least this many. */
  events(count: number, project?: number): Promise<ShownEvent[]>;
  configure(config: unknown): Promise<void>;
  /** Sends the signal and resolves when the process has ended. */
  end(signal: Deno.Signal): Promise<Deno.CommandStatus>;
  /** On the same port and data, after `end`; as another command, or with more settings, from then on. */
  start(other?: Pick<ServiceSetup, "command" | "env">): Promise<void>;
}

const MAIN = new URL("../../main.ts", import.meta.url).pathname;

/** Starts the service and waits until its plugins are ready. */
export async function startTestService(
  { config, env = {}, command = ["start"], flags = [], main = MAIN }: ServiceSetup = {},
): Promise<RunningService> {
  const folder = await temporaryFolder();
  const port = freePort();
  const url = `http://127.0.0.1:${port}`;
  const configPath = folder.file("hogpen.json");
  if (config !== undefined) await Deno.writeTextFile(configPath, JSON.stringify(config));
  let output = "";
  let process: Deno.ChildProcess;
  let reading: Promise<unknown>;

  async function read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) output += text;
  }

  async function start(other: Pick<ServiceSetup, "command" | "env"> = {}): Promise<void> {
    command = other.command ?? command;
    env = { ...env, ...other.env };
    const from = output.length;
    process = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", ...flags, main, ...command],
      cwd: folder.path,
      env: {
        HOGPEN_PORT: String(port),
        HOGPEN_DATA: join(folder.path, "data"),
        HOGPEN_ADMIN_TOKEN: ADMIN_TOKEN,
        ...(config === undefined ? {} : { HOGPEN_CONFIG: configPath }),
        ...env,
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    reading = Promise.all([read(process.stdout), read(process.stderr)]);
    let ended = false;
    void process.status.then(() => ended = true);
    await eventually("the service announces itself", () => {
      assert(!ended, `The service ended:\n${output.slice(from)}`);
      return output.indexOf("listens at", from) !== -1;
    });
  }

  async function end(signal: Deno.Signal): Promise<Deno.CommandStatus> {
    killChild(process, signal);
    await reading;
    return await process.status;
  }

  async function api<T>(path: string, method = "GET", body?: unknown): Promise<T> {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { Authorization: `Bearer ${ADMIN_TOKEN}`, "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    assert(response.ok, `${method} ${path} answered ${response.status}: ${text}`);
    return JSON.parse(text) as T;
  }

  async function allEvents(project: number): Promise<ShownEvent[]> {
    const events: ShownEvent[] = [];
    for (let after = ""; after !== null;) {
      const page = await api<{ results: ShownEvent[]; next: string | null }>(
        `/_hogpen/api/projects/${project}/events?limit=1000&after=${encodeURIComponent(after)}`,
      );
      events.push(...page.results);
      if (page.next === null) break;
      after = page.next;
    }
    return events;
  }

  await start();
  return {
    url,
    folder: folder.path,
    get pid() {
      return process.pid;
    },
    output: () => output,
    api,
    async capture(body, path = "/capture") {
      const response = await fetch(`${url}${path}`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
      });
      const text = await response.text();
      assert.equal(response.status, 200, text);
    },
    events: async (count, project = 1) =>
      await eventually(`project ${project} has ${count} events`, async () => {
        const events = await allEvents(project);
        return events.length >= count ? events : null;
      }),
    async configure(next) {
      await Deno.writeTextFile(configPath, JSON.stringify(next));
    },
    end,
    start,
    async [Symbol.asyncDispose]() {
      await end("SIGKILL");
      await folder[Symbol.asyncDispose]();
    },
  };
}
