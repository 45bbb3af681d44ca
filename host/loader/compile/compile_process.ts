/**
 * The process that compiles: hostile code can keep Babel busy for ever, and a thread could not be stopped then. It takes
 * one job per line and answers each with a line. The work is done in a thread of its own, so that this process notices
 * when the host is gone, and ends.
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
  // The host sends the next job when it has the answer; an error of the compiler itself ends the process with its text.
  answer(job as TransformJob).catch((error) => {
    console.error(String(error));
    Deno.exit(1);
  });
}
// The pipe has ended: so has the host, or it wants no more. A busy thread must not hold this process.
Deno.exit(0);
