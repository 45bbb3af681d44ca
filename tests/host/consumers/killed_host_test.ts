/**
 * Proves that events buffered for `exportEvents` and promised retries of `onEvent` survive `kill -9`. The host runs in
 * a process of its own, so that the kill is real.
 */

import assert from "node:assert/strict";
import { eventually } from "../../kit/eventually.ts";
import { FakeClock } from "../../kit/fake_clock.ts";
import { type Flow, namesOf, numbered, openFlow } from "../../kit/flow.ts";
import { HttpReceiver } from "../../kit/servers/http_receiver.ts";
import { openProject } from "../../kit/plugin_project.ts";
import { type TemporaryFolder, temporaryFolder } from "../../kit/temporary_folder.ts";

const PLUGIN = `
  async function post(path, events, { config }) {
    const response = await fetch(config.url + path, { method: "POST", body: JSON.stringify(events) });
    if (response.status === 503) throw new RetryError("Service is down");
  }
  export const exportEvents = (events, meta) => post("/export", events, meta);
  export const onEvent = (event, meta) => post("/event", [event], meta);
`;

/** Runs a host in a process of its own, gives it events, waits for what is to have happened, and kills it. */
async function runAndKill(folder: TemporaryFolder, url: string, until: () => Promise<unknown>): Promise<void> {
  await Deno.writeTextFile(folder.file("plugin.js"), PLUGIN);
  const host = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      new URL("../../kit/servers/killed_host.ts", import.meta.url).pathname,
      folder.path,
      folder.file("plugin.js"),
      url,
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const output = host.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const input = host.stdin.getWriter();
  let said = "";
  const hear = async (word: string) => {
    while (!said.includes(word)) said += (await output.read()).value ?? assert.fail(`The host ended before it ${word}`);
  };
  await hear("started");
  const events = numbered(20).map((event) => JSON.stringify({ ...event, properties: { filler: "x".repeat(100) } }));
  await input.write(new TextEncoder().encode(`${events.join("\n")}\n`));
  await hear("appended");
  await until();
  host.kill("SIGKILL");
  await host.status;
  await output.cancel();
  await input.abort().catch(() => {});
}

function exported({ requests }: HttpReceiver): string[] {
  return requests.filter(({ path }) => path === "/export").flatMap(({ text }) =>
    JSON.parse(text).map(({ event }: { event: string }) => event)
  );
}

async function openAgain(folder: TemporaryFolder): Promise<Flow> {
  const flow = await openFlow(new FakeClock(Date.now()), folder.path);
  const kept = await flow.log.read("outbox", 1, "", { maxEvents: 100, maxBytes: 1_000_000 });
  assert.equal(namesOf(kept).length, 20);
  return flow;
}

Deno.test("kill -9: what was in the buffer of exportEvents is exported by the next start", async () => {
  await using far = new HttpReceiver(() => new Response(""));
  await using folder = await temporaryFolder();
  // onEvent has had all: the host has read them, and exportEvents holds them for its 60 seconds.
  await runAndKill(folder, far.url, () => eventually("onEvent had all", () => far.requests.length >= 20));
  assert.deepEqual(exported(far), []);
  await using flow = await openAgain(folder);
  await using _ = await openProject(flow, PLUGIN, { config: { url: far.url } });
  await eventually("all are exported", async () => {
    await flow.clock.advance(10_000);
    return exported(far).length >= 20;
  });
  assert.deepEqual(exported(far), numbered(20).map(({ event }) => event));
});

Deno.test("kill -9: retries of onEvent that were promised are kept", async () => {
  await using far = new HttpReceiver(({ path }) => new Response("", { status: path === "/event" ? 503 : 200 }));
  await using folder = await temporaryFolder();
  await runAndKill(folder, far.url, () => eventually("all were refused", () => far.requests.length >= 20));
  far.answer = () => new Response("");
  const before = far.requests.length;
  await using flow = await openAgain(folder);
  await using _ = await openProject(flow, PLUGIN, { config: { url: far.url } });
  // The kill came after the answers; each event is a stored job by then, or is still before the cursor.
  await eventually("all were taken", async () => {
    await flow.clock.advance(5_000);
    const taken = far.requests.slice(before).filter(({ path }) => path === "/event");
    return new Set(taken.map(({ text }) => JSON.parse(text)[0].event)).size === 20;
  });
});
