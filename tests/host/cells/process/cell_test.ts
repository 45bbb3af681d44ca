/**
 * Proves that the host ends a cell that breaks the protocol or falls silent, and names the reason. One test waits 0.8
 * real seconds, several deadlines long, to show that signs of life keep a cell alive.
 */

import assert from "node:assert/strict";
import { CellEndedError } from "../../../../host/cells/process/cell_end.ts";
import { encodeBatchFrame } from "../../../../runtime/frames.ts";
import { FrameKind, MAX_SERVICE_REQUESTS } from "../../../../runtime/protocol.ts";
import { type HostileCell, openHostileCell } from "../../../kit/cells/hostile_cell.ts";

const SPEC = {
  pluginConfigId: 1,
  teamId: 2,
  name: "x",
  files: {},
  main: "index.js",
  config: {},
  attachments: {},
  scheduledTasks: [],
};
const CAPABILITIES = { methods: ["processEvent"], scheduled_tasks: [], jobs: [] };
const EVENT = new TextEncoder().encode('{"event":"a"}');
const NOTHING = new Uint8Array();
const EVENTS = { lengths: [EVENT.byteLength], body: EVENT };

async function load(hostile: HostileCell): Promise<void> {
  const loading = hostile.cell.load({ plugins: [SPEC], deadlineMs: 200, egressAllow: [] });
  const { id } = await hostile.next();
  hostile.sendJson(FrameKind.Result, id, { ok: true, value: { plugins: [{ capabilities: CAPABILITIES }] } });
  await loading;
}

/** Sends a batch, answers it so, and returns why the cell ended. */
async function answerBatch(answer: (hostile: HostileCell, id: number) => void): Promise<string> {
  await using hostile = openHostileCell();
  await load(hostile);
  const batch = hostile.cell.batch("processEvent", [0], EVENTS);
  const { id } = await hostile.next();
  answer(hostile, id);
  await assert.rejects(batch, CellEndedError);
  const { kind, words } = await hostile.cell.ending;
  assert.equal(kind, "protocol");
  assert.ok(hostile.killed);
  return words;
}

const OK = { outcomes: ["o"], errors: [], lengths: [-1] };
const BAD_RESULTS: [string, unknown, Uint8Array][] = [
  ["an outcome too many", { ...OK, outcomes: ["o", "o"] }, NOTHING],
  ["an outcome string of another length", { ...OK, outcomes: ["oo"] }, NOTHING],
  ["an unknown outcome", { ...OK, outcomes: ["x"] }, NOTHING],
  ["a length too few", { ...OK, lengths: [] }, NOTHING],
  ["a length below -1", { ...OK, lengths: [-2] }, NOTHING],
  ["a length that is no whole number", { ...OK, lengths: [0.5] }, NOTHING],
  ["lengths that are more than the body", { ...OK, lengths: [100] }, EVENT],
  ["a body that nobody announced", OK, EVENT],
  ["an event without bytes that was not dropped", { ...OK, lengths: [0] }, NOTHING],
  ["a dropped event with bytes", { ...OK, outcomes: ["d"], lengths: [EVENT.byteLength] }, EVENT],
  ["an error of an event that is not there", {
    ...OK,
    errors: [{ event: 1, plugin: 0, error: { name: "", message: "", retry: false } }],
  }, NOTHING],
  ["an error that is a string", { ...OK, errors: [{ event: 0, plugin: 0, error: "no" }] }, NOTHING],
  ["a header of more values than any may have", [...new Array(100_001).fill(0)], NOTHING],
  ["no object at all", null, NOTHING],
];

for (const [what, header, body] of BAD_RESULTS) {
  Deno.test(`Cell ends when a batch's result has ${what}`, async () => {
    const words = await answerBatch((hostile, id) =>
      hostile.sendBytes(encodeBatchFrame(FrameKind.BatchResult, id, header, body))
    );
    assert.match(words, /its sandbox broke the protocol \(Cannot read a batch's result/);
  });
}

const BAD_FRAMES: [string, (hostile: HostileCell, id: number) => void][] = [
  ["is longer than any may be", (hostile) => hostile.sendBytes(new Uint8Array([255, 255, 255, 255, 17]))],
  ["is shorter than a header", (hostile) => hostile.sendBytes(new Uint8Array([1, 0, 0, 0, 17]))],
  ["is of no known kind", (hostile, id) => hostile.sendJson(99, id, {})],
  ["is of a kind that the host sends", (hostile, id) => hostile.sendJson(FrameKind.Load, id, {})],
  ["answers what nobody asked", (hostile, id) => hostile.sendJson(FrameKind.Result, id + 1, { ok: true })],
  [
    "is a result that is not JSON",
    (hostile, id) => hostile.send(FrameKind.BatchResult, id, new Uint8Array([9, 0, 0, 0, 1])),
  ],
  [
    "asks for a service that is not there",
    (hostile) => hostile.sendJson(FrameKind.ServiceRequest, 1, { plugin: 0, name: "__proto__", args: [] }),
  ],
  [
    "asks on behalf of another plugin",
    (hostile) => hostile.sendJson(FrameKind.ServiceRequest, 1, { plugin: 1, name: "cache.get", args: ["a"] }),
  ],
  [
    "logs for another plugin",
    (hostile) =>
      hostile.sendJson(FrameKind.Log, 0, {
        entries: [{ plugin: 7, source: "CONSOLE", type: "LOG", message: "x", at: 0 }],
        dropped: [],
      }),
  ],
  [
    "holds more values than any may",
    (hostile, id) => hostile.sendJson(FrameKind.Result, id, new Array(100_001).fill(0)),
  ],
  [
    "logs as the system",
    (hostile) =>
      hostile.sendJson(FrameKind.Log, 0, {
        entries: [{ plugin: 0, source: "SYSTEM", type: "LOG", message: "x", at: 0 }],
        dropped: [],
      }),
  ],
];

for (const [what, send] of BAD_FRAMES) {
  Deno.test(`Cell ends when a frame ${what}`, async () => {
    assert.match(await answerBatch(send), /^its sandbox broke the protocol/);
  });
}

Deno.test("Cell ends when more service requests are unanswered than agreed", async () => {
  await using hostile = openHostileCell();
  await load(hostile);
  for (let id = 0; id <= MAX_SERVICE_REQUESTS; id++) {
    hostile.sendJson(FrameKind.ServiceRequest, id, { plugin: 0, name: "cache.get", args: ["a"] });
  }
  assert.match((await hostile.cell.ending).words, /more than 16 requests at a time/);
  assert.equal(hostile.calls.length, MAX_SERVICE_REQUESTS);
});

Deno.test("Cell refuses a service call whose arguments would take long to parse", async () => {
  await using hostile = openHostileCell();
  await load(hostile);
  const args = ["too much", Object.fromEntries(Array.from({ length: 100_001 }, (_, key) => [`k${key}`, 1]))];
  hostile.sendJson(FrameKind.ServiceRequest, 5, { plugin: 0, name: "posthog.capture", args });
  const { kind, id, payload } = await hostile.next();
  assert.deepEqual([kind, id], [FrameKind.ServiceResult, 5]);
  assert.match(new TextDecoder().decode(payload), /more than 100000 values/);
  assert.equal(hostile.calls.length, 0);
  assert.equal(hostile.cell.end, undefined);
});

Deno.test("Cell ends when it is flooded with frames that answer nothing", async () => {
  await using hostile = openHostileCell();
  await load(hostile);
  for (let i = 0; i < 300; i++) hostile.sendJson(FrameKind.Log, 0, { entries: [], dropped: [1] });
  assert.match((await hostile.cell.ending).words, /unasked frames/);
});

Deno.test("Cell ends when nothing is heard of it for its deadline, and says what did not return", async () => {
  await using hostile = openHostileCell();
  await load(hostile);
  const batch = hostile.cell.batch("processEvent", [0], EVENTS);
  const { id } = await hostile.next();
  hostile.send(FrameKind.Alive, id, new Uint8Array());
  await assert.rejects(batch, (error) => error instanceof CellEndedError && error.taken);
  const { kind, words, inFlight } = await hostile.cell.ending;
  assert.deepEqual([kind, words, inFlight], ["hang", "a call to processEvent did not return for 0.2 s", 1]);
});

Deno.test("Cell lives for many deadlines while it gives signs of life", async () => {
  await using hostile = openHostileCell();
  await load(hostile);
  const batch = hostile.cell.batch("processEvent", [0], EVENTS);
  const { id } = await hostile.next();
  for (let i = 0; i < 8; i++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    hostile.send(FrameKind.Alive, 0, new Uint8Array());
  }
  hostile.sendBytes(encodeBatchFrame(FrameKind.BatchResult, id, OK, NOTHING));
  assert.deepEqual((await batch).events, EVENTS);
});

Deno.test("Cell tells the requests that the sandbox took up from those that it never saw", async () => {
  await using hostile = openHostileCell();
  await load(hostile);
  const first = hostile.cell.batch("processEvent", [0], EVENTS);
  const second = hostile.cell.batch("processEvent", [0], EVENTS);
  const { id } = await hostile.next();
  hostile.send(FrameKind.Alive, id, new Uint8Array());
  await assert.rejects(first, (error) => error instanceof CellEndedError && error.taken);
  await assert.rejects(second, (error) => error instanceof CellEndedError && !error.taken);
});

/** Answers the next batch of the cell. */
async function answerNext(hostile: HostileCell, header: unknown, body = NOTHING): Promise<void> {
  const { id } = await hostile.next();
  hostile.sendBytes(encodeBatchFrame(FrameKind.BatchResult, id, header, body));
}

const BAD_INPUT = {
  outcomes: ["f"],
  errors: [{ event: 0, plugin: 0, error: { name: "BadInputError", message: "", retry: false } }],
  lengths: [-1],
};

Deno.test("Cell ends when it returned what the next cell cannot read, and the next one is not blamed", async () => {
  await using first = openHostileCell();
  await using second = openHostileCell();
  await Promise.all([load(first), load(second)]);
  const garbage = new TextEncoder().encode("[{no event");
  const returned = first.cell.batch("processEvent", [0], EVENTS);
  await answerNext(first, { ...OK, lengths: [garbage.byteLength] }, garbage);
  const passed = second.cell.batch("processEvent", [0], (await returned).events);
  await answerNext(second, BAD_INPUT);
  assert.deepEqual((await passed).outcomes, ["s"]);
  assert.equal((await first.cell.ending).words, "it returned what is not an event");
  assert.ok(!second.killed);
});

Deno.test("Cell ends when it cannot read what can be read", async () => {
  await using hostile = openHostileCell();
  await load(hostile);
  const batch = hostile.cell.batch("processEvent", [0], EVENTS);
  await answerNext(hostile, BAD_INPUT);
  await assert.rejects(batch, CellEndedError);
  assert.match((await hostile.cell.ending).words, /Cannot take its word that event 0 cannot be read/);
});
