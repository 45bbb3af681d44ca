/**
 * Proves that `exportEvents` is called with the batches, retries and bounds of PostHog's buffer, and that failed events
 * go to the dead letters.
 */

import assert from "node:assert/strict";
import { eventually } from "../../../kit/eventually.ts";
import { type Flow, numbered, openFlow } from "../../../kit/flow.ts";
import { HttpReceiver } from "../../../kit/servers/http_receiver.ts";
import { openProject, type Project } from "../../../kit/plugin_project.ts";

const EXPORT = `
  export async function exportEvents(events, { config }) {
    const response = await fetch(config.url, { method: "POST", body: JSON.stringify(events) });
    if (response.status === 503) throw new RetryError("Service is down");
    if (!response.ok) throw new Error("answered " + response.status);
  }
`;

interface Exported extends AsyncDisposable {
  far: HttpReceiver;
  flow: Flow;
  project: Project;
  /** Names of the events of each export. */
  batches(): string[][];
  restart(): Promise<void>;
}

async function openExport(settings: Record<string, string>, code = EXPORT, timeoutSeconds = 30): Promise<Exported> {
  const far = new HttpReceiver(() => new Response("ok"));
  const flow = await openFlow();
  const open = () => openProject(flow, code, { config: { url: far.url, ...settings }, timeoutSeconds });
  const exported = {
    far,
    flow,
    project: await open(),
    batches: () => far.requests.map(({ text }) => JSON.parse(text).map(({ event }: { event: string }) => event)),
    async restart() {
      await exported.project[Symbol.asyncDispose]();
      await flow.reopen();
      exported.project = await open();
    },
    async [Symbol.asyncDispose]() {
      await exported.project[Symbol.asyncDispose]();
      await flow[Symbol.asyncDispose]();
      await far[Symbol.asyncDispose]();
    },
  };
  return exported;
}

/** Resolves when the buffer's timer runs: every event before it is in the buffer. */
function buffered({ flow }: Exported, seconds: number): Promise<unknown> {
  return eventually("the buffer waits", () => flow.clock.untilNext <= seconds * 1000 && flow.clock.untilNext > 0);
}

Deno.test("VM-39 exportEvents exports what is not ignored when the buffer's time is over", async () => {
  await using exported = await openExport({
    exportEventsBufferBytes: "10000",
    exportEventsBufferSeconds: "1",
    exportEventsToIgnore: "default event,otherEvent",
  });
  const { flow, far, project } = exported;
  await flow.append({ event: "exported" }, { event: "otherEvent" }, { event: "exported too" }, {
    event: "default event",
  });
  await buffered(exported, 1);
  await flow.clock.advance(999);
  assert.equal(far.requests.length, 0);
  await flow.clock.advance(1);
  await eventually("the batch is exported", () => far.requests.length === 1);
  assert.deepEqual(exported.batches(), [["exported", "exported too"]]);
  await eventually("the cursor moved", async () => (await project.consumers.get("exportEvents:39"))?.lag.events === 0);
});

Deno.test("VM-40 exportEvents is retried with the same batch after 6 and 12 s", async () => {
  await using exported = await openExport({ exportEventsBufferBytes: "10000", exportEventsBufferSeconds: "1" });
  const { flow, far } = exported;
  far.answer = () => new Response("down", { status: 503 });
  await flow.append(...numbered(3));
  await buffered(exported, 1);
  await flow.clock.advance(1000);
  const id = await eventually(
    "the retry is stored",
    async () => (await flow.store.jobs.list({ limit: 1 })).results[0]?.id,
  );
  const job = async () => (await flow.store.jobs.list({ limit: 10 })).results;
  assert.deepEqual((await job()).map(({ kind, attempt, runAt }) => [kind, attempt, runAt]), [
    ["exportEvents", 2, flow.clock.now() + 6000],
  ]);
  await flow.clock.advance(6000);
  await eventually("the third attempt waits", async () => (await job())[0]?.attempt === 3);
  assert.equal((await job())[0]?.runAt, flow.clock.now() + 12_000);
  far.answer = () => new Response("");
  await flow.clock.advance(12_000);
  await eventually("it is done", async () => (await job())[0]?.state === "done");
  assert.deepEqual([(await job()).map((each) => each.id), exported.batches()], [
    [id],
    Array(3).fill(["e1", "e2", "e3"]),
  ]);
});

Deno.test("VM-41 exportEvents is retried three times at most, then its events go to the dead letters", async () => {
  await using exported = await openExport({ exportEventsBufferSeconds: "1" });
  const { flow, far, project } = exported;
  far.answer = () => new Response("down", { status: 503 });
  await flow.append(...numbered(2));
  await buffered(exported, 1);
  await flow.clock.advance(1000);
  for (const [retry, seconds] of [6, 12, 24].entries()) {
    await eventually("the retry waits", async () => {
      const [job] = (await flow.store.jobs.list({ limit: 1 })).results;
      return job?.state === "waiting" && job.attempt === retry + 2;
    });
    assert.equal(far.requests.length, retry + 1);
    await flow.clock.advance(seconds * 1000);
  }
  const letters = await eventually("they are given up", async () => {
    const letters = await project.letters();
    return letters.length > 0 ? letters : null;
  });
  assert.deepEqual(
    letters.map(({ consumer, reason }) => [consumer, reason]),
    Array(2).fill([
      "exportEvents:39",
      "RetryError (attempt 4/4): Service is down",
    ]),
  );
  await flow.clock.advance(600_000);
  assert.equal(far.requests.length, 4);
  assert.match((await project.host.logs(39)).join("\n"), /exportEvents was given up after 4 of 4 attempts, 2 events/);
});

Deno.test("VM-42 exportEvents works beside the plugin's own onEvent, which sees ignored events too", async () => {
  const code = EXPORT + `export async function onEvent(event, { config }) {
    await fetch(config.url + "/onEvent", { method: "POST", body: JSON.stringify([event]) });
  }`;
  await using exported = await openExport({ exportEventsBufferSeconds: "1", exportEventsToIgnore: "ignored" }, code);
  const { flow, far } = exported;
  await flow.append({ event: "one" }, { event: "ignored" }, { event: "two" });
  await eventually("onEvent saw all", () => far.requests.length === 3);
  await buffered(exported, 1);
  await flow.clock.advance(1000);
  await eventually("the batch is exported", () => far.requests.length === 4);
  assert.deepEqual(exported.batches().at(-1), ["one", "two"]);
  assert.deepEqual(far.requests.filter(({ path }) => path === "/onEvent").length, 3);
});

/** As exportEvents receives them, 126 UTF-16 units each: what PostHog's own test had. */
function events126(count: number): Record<string, unknown>[] {
  const event = {
    event: "exported",
    uuid: "u",
    distinct_id: "d",
    ip: null,
    properties: { a: "" },
    timestamp: "t",
  };
  const shaped = { ...event, team_id: 1, elements: [] };
  event.properties.a = "ä".repeat(126 - JSON.stringify(shaped).length);
  return Array.from({ length: count }, () => event);
}

Deno.test("VM-43 exportEvents counts the buffer in UTF-16 units: 14 exports of 7, and the last 2 when time is over", async () => {
  await using exported = await openExport({ exportEventsBufferBytes: "1000", exportEventsBufferSeconds: "1" });
  const { flow, far } = exported;
  await flow.append(...events126(100));
  await eventually("the full ones are exported", () => far.requests.length === 14);
  await buffered(exported, 1);
  await flow.clock.advance(1000);
  await eventually("the rest is exported", () => far.requests.length === 15);
  assert.deepEqual(exported.batches().map(({ length }) => length), [...Array(14).fill(7), 2]);
  assert.deepEqual(far.requests.map(({ text }) => text.length), [...Array(14).fill(890), 255]);
});

Deno.test("VM-44 exportEvents with a tiny buffer exports every event alone, at once", async () => {
  await using exported = await openExport({ exportEventsBufferBytes: "1", exportEventsBufferSeconds: "600" });
  const { flow, far } = exported;
  await flow.append(...events126(100));
  await eventually("all are exported", () => far.requests.length === 100);
  assert.ok(exported.batches().every(({ length }) => length === 1));
});

Deno.test("VM-45 exportEvents gets what is in the buffer when the service stops, and nothing when it is empty", async () => {
  await using exported = await openExport({ exportEventsBufferSeconds: "600" });
  await exported.flow.append({ event: "exported" });
  assert.equal(exported.far.requests.length, 0);
  await exported.restart();
  assert.deepEqual(exported.batches(), [["exported"]]);
  await exported.restart();
  assert.equal(exported.far.requests.length, 1);
});

Deno.test("exportEvents that fails otherwise is not retried; its events go to the dead letters, and may be given back", async () => {
  await using exported = await openExport({ exportEventsBufferSeconds: "1" });
  const { flow, far, project } = exported;
  far.answer = () => new Response("no", { status: 400 });
  await flow.append(...numbered(2));
  await buffered(exported, 1);
  await flow.clock.advance(1000);
  const letters = await eventually("they are in the dead letters", async () => {
    const letters = await project.letters();
    return letters.length === 2 ? letters : null;
  });
  assert.deepEqual(
    letters.map(({ consumer, reason }) => [consumer, reason]),
    Array(2).fill(["exportEvents:39", "answered 400"]),
  );
  assert.deepEqual((await flow.store.jobs.list({ limit: 10 })).results, []);
  const [letter] = letters;
  assert.ok(letter);
  await assert.rejects(project.requeue(letter), /answered 400/);
  far.answer = () => new Response("");
  await project.requeue(letter);
  assert.deepEqual(exported.batches().at(-1)?.length, 1);
});

Deno.test("an export that ends the plugin's cell loses only the event that did it", async () => {
  const code = EXPORT.replace(
    "{ config }) {",
    `{ config }) {
    if (events.some(({ event }) => event === "bomb")) /^(a+)+$/.test("a".repeat(40) + "b");`,
  );
  await using exported = await openExport({ exportEventsBufferSeconds: "1" }, code, 0.5);
  const { flow, far, project } = exported;
  far.answer = ({ text }) => new Response("", { status: text.includes('"e3"') ? 503 : 200 });
  await flow.append({ event: "e1" }, { event: "bomb" }, { event: "e2" }, { event: "e3" });
  await buffered(exported, 1);
  await flow.clock.advance(1000);
  await eventually("the cursor moved", async () => (await project.consumers.get("exportEvents:39"))?.lag.events === 0);
  assert.deepEqual(exported.batches(), [["e1"], ["e2"], ["e3"]]);
  assert.deepEqual((await project.letters()).map(({ event }) => JSON.parse(event).event), ["bomb"]);
  const [job] = (await flow.store.jobs.list({ limit: 10 })).results;
  assert.deepEqual([job?.kind, job?.attempt], ["exportEvents", 2]);
  far.answer = () => new Response("");
  await flow.clock.advance(6000);
  await eventually("the retry is done", async () => (await flow.store.jobs.get(job?.id ?? ""))?.state === "done");
  assert.deepEqual(exported.batches().at(-1), ["e3"]);
});
