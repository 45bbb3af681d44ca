/**
 * A real server on a free port, with its data in a folder of its own, that can be killed and started again.
 * @module
 */

import { killChild } from "./kill_child.ts";

/** A running server. Disposing kills it and removes its data. */
export interface PrivateServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly pid: number;
  /** As a crash or a power cut ends it. */
  kill(): Promise<void>;
  /** On the same port and data, after `kill`. Resolves when it answers. */
  start(): Promise<void>;
}

export interface ServerRecipe {
  name: string;
  url: string;
  port: number;
  folder: string;
  command: string;
  args: string[];
  /** True when it answers. */
  isReady(): Promise<boolean>;
}

/** Starts the server and waits until it answers. */
export async function startServer(recipe: ServerRecipe): Promise<PrivateServer> {
  let process: Deno.ChildProcess | null = null;

  async function start(): Promise<void> {
    const deadline = Date.now() + 60_000;
    while (Date.now() < deadline) {
      const started = new Deno.Command(recipe.command, {
        args: recipe.args,
        stdin: "null",
        stdout: "null",
        stderr: "null",
      })
        .spawn();
      process = started;
      let ended = false;
      const status = started.status.then(() => ended = true);
      while (!ended && Date.now() < deadline) {
        if (await recipe.isReady()) return;
        await pause(50);
      }
      killChild(started);
      await status;
      // Postgres refuses to start while children of a killed one are still ending.
      await pause(200);
    }
    throw new Error(
      `Cannot start ${recipe.name}: it did not answer on port ${recipe.port}; its log is in ${recipe.folder}`,
    );
  }

  async function kill(): Promise<void> {
    if (!process) return;
    // Postgres' children outlive it for a moment, in which they would still answer.
    const children = await childrenOf(process.pid);
    killChild(process);
    for (const pid of children) killIfThere(pid);
    await process.status;
    process = null;
  }

  await start();
  return {
    port: recipe.port,
    url: recipe.url,
    get pid() {
      if (!process) throw new Error(`Cannot tell the pid of ${recipe.name}: it is not running`);
      return process.pid;
    },
    kill,
    start,
    async [Symbol.asyncDispose]() {
      await kill();
      await removeFolder(recipe.folder);
    },
  };
}

/** A port that nothing listens on now. */
export function freePort(): number {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * (END_PORT - FIRST_PORT));
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

/** Below those that the system gives to others that ask for any port, which may be before a server has started. */
const FIRST_PORT = 20_000;
const END_PORT = 32_768;

/** First of the paths that is a program; throws with what to install. */
export async function findProgram(candidates: string[], install: string): Promise<string> {
  for (const path of candidates) {
    try {
      if ((await Deno.stat(path)).isFile) return path;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  throw new Error(`Cannot start a private server: none of ${candidates.join(", ")} exists; install ${install}`);
}

/** Every place on PATH where the program could be. */
export function onPath(program: string): string[] {
  return (Deno.env.get("PATH") ?? "").split(":").filter(Boolean).map((folder) => `${folder}/${program}`);
}

async function childrenOf(parent: number): Promise<number[]> {
  const { stdout } = await new Deno.Command("ps", { args: ["-o", "pid=", "--ppid", String(parent)] }).output();
  return new TextDecoder().decode(stdout).split("\n").map(Number).filter((pid) => pid > 0);
}

function killIfThere(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Children of a killed server may still write for a moment. */
async function removeFolder(path: string): Promise<void> {
  for (let attempt = 1;; attempt++) {
    try {
      return await Deno.remove(path, { recursive: true });
    } catch (error) {
      if (attempt === 20) throw error;
      await pause(100);
    }
  }
}
