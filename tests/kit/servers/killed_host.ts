/**
 * A host that is there to be killed: on the log and store of the folder given as first argument it runs the plugin
 * whose code is in the file given as second, against the far side at the URL given as third. Says "started", and takes
 * events from its standard input, one JSON per line, saying "appended" when they are in the outbox.
 * @module
 */

import { systemClock } from "../../../host/clock.ts";
import { FakeClock } from "../fake_clock.ts";
import { openFlow } from "../flow.ts";
import { openProject } from "../plugin_project.ts";

const [folder = "", code = "", url = ""] = Deno.args;
const flow = await openFlow(new FakeClock(Date.now()), folder);
const project = await openProject(flow, await Deno.readTextFile(code), { config: { url } });
console.log("started");
for await (const chunk of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  await flow.append(...chunk.trim().split("\n").map((line) => JSON.parse(line)));
  console.log("appended");
}
// Only reached when the test did not kill it.
await systemClock.sleep(600_000, new AbortController().signal);
await project[Symbol.asyncDispose]();
