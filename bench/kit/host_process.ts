/**
 * The service as a process of its own, as an operator starts it, that can be killed and started again on its data.
 * @module
 */

import { fileURLToPath } from "node:url";
import { freePort } from "../../tests/kit/servers/server_process.ts";
import { killChild } from "../../tests/kit/servers/kill_child.ts";

export interface HostProcess extends AsyncDisposable {
  readonly url: string;
  readonly adminToken: string;
  readonly pid: number;
  /** Lets it finish what is in flight; resolves when it is gone. */
  stop(): Promise<void>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** Resolves when it answers `/_health`. */
  start(): Promise<void>;
  /** Answer of the API. */
  api(path: string): Promise<unknown>;
  /** Times it ended although nobody killed it. */
  readonly unexpectedEnds: number;
  /** Lines of errors that nobody caught, of all its processes. */
  uncaughtErrors(): Promise<string[]>;
}

export interface HostOptions {
  /** Folder for data and the configuration. */
  folder: string;
  config: unknown;
  env?: Record<string, string>;
}

/** Starts `main.ts start` with the configuration. What it prints goes to `<folder>/host.log`. */
export async function startHostProcess({ folder, config, env = {} }: HostOptions): Promise<HostProcess> {
  const port = freePort();
  const url = `http://127.0.0.1:${port}`;
  const adminToken = crypto.randomUUID();
  const path = `${folder}/hogpen.json`;
  await Deno.writeTextFile(path, JSON.stringify(config));
  const main = fileURLToPath(new URL("../../main.ts", import.meta.url));
  const flags = { port, host: "127.0.0.1", data: `${folder}/data`, config: path, "admin-token": adminToken };
  const args = [
    "run",
    "-A",
    main,
    "start",
    ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, `${value}`]),
  ];
  let process: Deno.ChildProcess | null = null;
  let printing: Promise<void> = Promise.resolve();
  let unexpectedEnds = 0;
  let killed = false;

  async function start(): Promise<void> {
    killed = false;
    const started = new Deno.Command(Deno.execPath(), { args, env, stdin: "null", stdout: "null", stderr: "piped" })
      .spawn();
    process = started;
    const file = await Deno.open(`${folder}/host.log`, { append: true, create: true });
    printing = started.stderr.pipeTo(file.writable);
    let ended = false;
    void started.status.then(({ code, signal }) => {
      ended = true;
      if (killed) return;
      unexpectedEnds++;
      console.error(`The host ended by itself: ${signal ?? `exit code ${code}`}; see ${folder}/host.log`);
    });
    while (!ended && !await isHealthy(url)) await new Promise((resolve) => setTimeout(resolve, 20));
    if (ended && !killed) throw new Error(`Cannot start the host: see ${folder}/host.log`);
  }

  async function end(signal: Deno.Signal): Promise<void> {
    if (!process) return;
    killed = true;
    killChild(process, signal);
    await process.status;
    await printing;
  }

  await start();
  return {
    url,
    adminToken,
    get pid() {
      return process?.pid ?? 0;
    },
    get unexpectedEnds() {
      return unexpectedEnds;
    },
    async uncaughtErrors() {
      const log = await Deno.readTextFile(`${folder}/host.log`);
      return log.split("\n").filter((line) => /\b(Uncaught|Unhandled)\b/.test(line));
    },
    start,
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    async api(path) {
      const answer = await fetch(url + path, { headers: { authorization: `Bearer ${adminToken}` } });
      if (!answer.ok) throw new Error(`Cannot read ${path}: ${answer.status} ${await answer.text()}`);
      return await answer.json();
    },
    [Symbol.asyncDispose]: () => end("SIGTERM"),
  };
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/_health`);
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    return false;
  }
}
