/**
 * The process that compiles. Hostile code can keep Babel busy forever, and a thread could not be stopped then. The
 * process takes one job per line and answers each with a line. A thread of its own does the work, so that the process
 * notices when the host is gone, and ends.
 * @module
 */

import { Thread } from "../../sqlite/thread.ts";
import { jsonLine, readJsonLines } from "./json_lines.ts";
import type { TransformJob } from "./transform.ts";
import type { TransformThreadApi } from "./transform_thread.ts";

const thread = new Thread<{ compile: TransformThreadApi["compile"] }>(
  new URL("./transform_thread.ts", import.meta.url),
  "the compiler of plugins",
);
const answers = Deno.stdout.writable.getWriter();

async function answer(job: TransformJob): Promise<void> {
  await answers.write(jsonLine(await thread.call("compile", job)));
}

for await (const job of readJsonLines(Deno.stdin.readable)) {
  // The host sends the next job only after the answer. An error of the compiler itself ends the process with its text.
  answer(job as TransformJob).catch((error) => {
    console.error(String(error));
    Deno.exit(1);
  });
}
// The pipe has ended: the host is gone or needs no more. A busy thread must not keep this process alive.
Deno.exit(0);
