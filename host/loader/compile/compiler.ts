/**
 * Where plugins are compiled: in a process that can be killed, or in a thread when there is no deno executable to
 * start.
 * @module
 */

import { fileURLToPath } from "node:url";
import { denoDir } from "../../deno_dir.ts";
import { Thread } from "../../sqlite/thread.ts";
import { jsonLine, readJsonLines } from "./json_lines.ts";
import type { TransformJob } from "./transform.ts";
import type { CompileAnswer, TransformThreadApi } from "./transform_thread.ts";

/** Compiles one file after the other. Disposing of it ends it at once, even in the middle of a file. */
export interface Compiler extends AsyncDisposable {
  /** Rejects when the compiler itself fails. Errors in the code are part of the answer. */
  compile(job: TransformJob): Promise<CompileAnswer>;
}

const ROOT = new URL("../../../", import.meta.url);

export function startCompiler(): Compiler {
  return Deno.build.standalone ? startThread() : startProcess();
}

/** The process may only read its own code, and gets nothing of the host's environment. */
function startProcess(): Compiler {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--cached-only",
      // Babel reads environment variables, and sees none.
      "--ignore-env",
      // The largest bundle seen, 7 MB, needs 1 GB.
      "--v8-flags=--max-old-space-size=2048",
      `--config=${pathOf("deno.json")}`,
      `--allow-read=${["host/", "runtime/", "node_modules/", "deno.json"].map(pathOf).join(",")}`,
      pathOf("host/loader/compile/compile_process.ts"),
    ],
    cwd: "/",
    clearEnv: true,
    env: { NO_COLOR: "1", DENO_DIR: denoDir() },
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const jobs = child.stdin.getWriter();
  const answers = readJsonLines(child.stdout);
  let last: Promise<unknown> = Promise.resolve();

  async function ask(job: TransformJob): Promise<CompileAnswer> {
    await jobs.write(jsonLine(job));
    const { value, done } = await answers.next();
    if (done) throw new Error(`Cannot compile /${job.path}: the compiler ended`);
    return value as CompileAnswer;
  }

  return {
    compile(job) {
      const answer = last.then(() => ask(job));
      last = answer.catch(() => {});
      return answer;
    },
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has already ended.
      }
      await child.status;
      await last;
      await jobs.abort().catch(() => {});
      // Reads the remaining output, so that the pipe is closed.
      while (!(await answers.next().catch(() => ({ done: true }))).done);
    },
  };
}

function startThread(): Compiler {
  const thread = new Thread<{ compile: TransformThreadApi["compile"] }>(
    new URL("./transform_thread.ts", import.meta.url),
    "the compiler of plugins",
  );
  return {
    compile: (job) => thread.call("compile", job),
    [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
  };
}

function pathOf(relative: string): string {
  return fileURLToPath(new URL(relative, ROOT)).replace(/\/$/, "");
}
