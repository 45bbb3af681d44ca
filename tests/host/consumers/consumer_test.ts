/** Proves that a consumer delivers in order and loses nothing through failures, pauses, rewinds and restarts. */

import assert from "node:assert/strict";
import { Consumer } from "../../../host/consumers/consumer.ts";
import { PauseError, TryLaterError } from "../../../host/consumers/sink.ts";
import { eventually } from "../../kit/eventually.ts";
import { FarSide } from "../../kit/cells/far_side.ts";
import { type Flow, namesOf, numbered, openFlow } from "../../kit/flow.ts";

const ID = "destination:1/far";
import { storedRecords } from "../../kit/stored_records.ts";

/** Started, and registered in the log. */
async function start(flow: Flow, far: FarSide, more: Parameters<FarSide["spec"]>[1] = {}): Promise<Consumer> {
  const consumer = new Consumer(far.spec(ID, more), { ...flow, random: () => 0 });
  await eventually("the consumer has started", async () => (await consumer.status()).state !== "starting");
  return consumer;
}

function takes(far: FarSide, count: number): Promise<unknown> {
  return eventually(`${count} events are taken`, () => far.names.length >= count);
}

Deno.test("Consumer delivers what comes after it was registered, in order, and goes on there after a restart", async () => {
  await using flow = await openFlow();
  await flow.append({ event: "before it was registered" });
  const far = new FarSide();
  {
    await using _ = await start(flow, far);
    await flow.append(...numbered(25));
    await takes(far, 25);
  }
  await flow.append(...numbered(5, 26));
  await flow.reopen();
  await using consumer = await start(flow, far);
  await takes(far, 30);
  assert.deepEqual(far.names, numbered(30).map(({ event }) => event));
  assert.ok(far.batches.every(({ length }) => length <= 10));
  await eventually("all is committed", async () => (await consumer.status()).lag.events === 0);
  assert.equal((await consumer.status()).delivered, 5);
});

Deno.test("Consumer waits with growing pauses after failures, shows why, and loses nothing", async () => {
  await using flow = await openFlow();
  const far = new FarSide();
  far.before = () => Promise.reject(new Error("connection refused"));
  await using consumer = await start(flow, far);
  await flow.append(...numbered(3));
  const waits: number[] = [];
  for (let failure = 1; failure <= 8; failure++) {
    await eventually("it waits", async () => far.offered === failure && (await consumer.status()).state === "waiting");
    waits.push(flow.clock.untilNext);
    if (failure < 8) await flow.clock.advance(flow.clock.untilNext);
  }
  assert.deepEqual(waits, [1, 2, 4, 8, 16, 32, 60, 60].map((seconds) => seconds * 1000));
  const { lag, lastError, nextAttemptAt } = await consumer.status();
  assert.deepEqual([lag.events, lastError?.message], [3, "connection refused"]);
  assert.equal(nextAttemptAt, flow.clock.now() + 60_000);
  far.before = () => [];
  await flow.clock.advance(60_000);
  await takes(far, 3);
  assert.equal(far.names.join(), "e1,e2,e3");
  assert.equal(await eventually("it runs", async () => (await consumer.status()).lastError === null), true);
});

Deno.test("Consumer takes off up to half of its own pause", async () => {
  await using flow = await openFlow();
  const far = new FarSide();
  far.before = () => Promise.reject(new Error("down"));
  await using consumer = new Consumer(far.spec(ID), { ...flow, random: () => 1 });
  await eventually("it has started", async () => (await consumer.status()).state === "running");
  await flow.append({ event: "e1" });
  await eventually("it waits", () => flow.clock.untilNext === 500);
});

Deno.test("Consumer keeps to the time that the far side named", async () => {
  await using flow = await openFlow();
  const far = new FarSide();
  far.before = () => Promise.reject(new TryLaterError("429 Too Many Requests", 17_000));
  await using consumer = await start(flow, far);
  await flow.append(...numbered(1));
  await eventually("it waits", async () => (await consumer.status()).state === "waiting");
  assert.equal(flow.clock.untilNext, 17_000);
});

Deno.test("Consumer copies rejected events to the dead letters and goes on", async () => {
  await using flow = await openFlow();
  const far = new FarSide();
  far.before = (records) =>
    namesOf(records).flatMap((name, index) => name === "e2" ? [{ index, reason: "poison" }] : []);
  await using consumer = await start(flow, far);
  await flow.append(...numbered(3));
  await takes(far, 2);
  await eventually("all is committed", async () => (await consumer.status()).lag.events === 0);
  const { results } = await flow.store.deadLetters.list({ limit: 10 });
  assert.deepEqual(
    results.map(({ teamId, consumer, reason, event }) => [teamId, consumer, reason, JSON.parse(event).event]),
    [
      [1, ID, "poison", "e2"],
    ],
  );
  assert.deepEqual(far.names, ["e1", "e3"]);
  assert.equal((await consumer.status()).rejected, 1);
});

Deno.test("Consumer moves its cursor only once dead letters are stored", async () => {
  await using flow = await openFlow();
  const far = new FarSide();
  far.before = () => [{ index: 0, reason: "poison" }];
  let refusals = 2;
  const deadLetters = {
    ...flow.store.deadLetters,
    add: (letters: Parameters<typeof flow.store.deadLetters.add>[0]) =>
      refusals-- > 0 ? Promise.reject(new Error("the store is away")) : flow.store.deadLetters.add(letters),
  };
  const store = { settings: flow.store.settings, deadLetters };
  await using consumer = new Consumer(far.spec(ID), { ...flow, store });
  await eventually("it has started", async () => (await consumer.status()).state === "running");
  await flow.append(...numbered(1));
  await eventually("the store refused", () => refusals === 1);
  assert.equal((await consumer.status()).lag.events, 1);
  await eventually("it is stored after all", async () => {
    await flow.clock.advance(1000);
    return (await consumer.status()).lag.events === 0;
  });
  assert.equal((await flow.store.deadLetters.list({ limit: 10 })).results.length, 1);
});

Deno.test("Consumer pauses over a restart until it is resumed", async () => {
  await using flow = await openFlow();
  const far = new FarSide();
  {
    await using consumer = await start(flow, far);
    await consumer.pause();
    await flow.append(...numbered(2));
    assert.equal((await consumer.status()).state, "paused");
  }
  await flow.reopen();
  await using consumer = await start(flow, far);
  assert.deepEqual([(await consumer.status()).state, (await consumer.status()).lag.events], ["paused", 2]);
  assert.equal(far.offered, 0);
  await consumer.resume();
  await takes(far, 2);
  assert.equal((await consumer.status()).state, "running");
});

Deno.test("Consumer pauses itself when the far side wants nothing more", async () => {
  await using flow = await openFlow();
  const far = new FarSide();
  far.before = () => Promise.reject(new PauseError("410 Gone"));
  await using consumer = await start(flow, far);
  await flow.append(...numbered(2));
  await eventually("it is paused", async () => (await consumer.status()).state === "paused");
  const { pausedFor, lag } = await consumer.status();
  assert.deepEqual([pausedFor, lag.events], ["410 Gone", 2]);
  far.before = () => [];
  await consumer.resume();
  await takes(far, 2);
});

Deno.test("Consumer pauses in the middle of a backoff", async () => {
  await using flow = await openFlow();
  const far = new FarSide();
  far.before = () => Promise.reject(new Error("down"));
  await using consumer = await start(flow, far);
  await flow.append(...numbered(1));
  await eventually("it waits", async () => (await consumer.status()).state === "waiting");
  await consumer.pause();
  far.before = () => [];
  await flow.clock.advance(120_000);
  assert.deepEqual([far.offered, (await consumer.status()).state], [1, "paused"]);
  await consumer.resume();
  await takes(far, 1);
});

Deno.test("Consumer rewinds to a cursor, delivers again to the end, and shows how far it is", async () => {
  await using flow = await openFlow();
  const far = new FarSide();
  await using consumer = await start(flow, far, { batching: { maxEvents: 1, maxBytes: 1_000_000, maxWaitMs: 0 } });
  const from = (await consumer.status()).cursor;
  await flow.append(...numbered(4));
  await takes(far, 4);
  await eventually("all is committed", async () => (await consumer.status()).lag.events === 0);
  const gate = Promise.withResolvers<void>();
  far.before = async () => {
    if (far.names.length === 5) await gate.promise;
    return [];
  };
  await consumer.rewind({ cursor: from });
  await flow.append({ event: "e5" });
  await eventually("one is done again", async () => (await consumer.status()).replay?.fraction === 0.25);
  assert.equal((await consumer.status()).replay?.eventsLeft, 3);
  gate.resolve();
  await takes(far, 9);
  assert.equal(far.names.join(), "e1,e2,e3,e4,e1,e2,e3,e4,e5");
  await eventually("the replay is over", async () => (await consumer.status()).replay === null);
});

Deno.test("Consumer rewinds to a time, also out of a backoff, and shows progress after a restart", async () => {
  await using flow = await openFlow();
  const far = new FarSide();
  {
    await using consumer = await start(flow, far);
    await flow.append(...numbered(2));
    await takes(far, 2);
    await flow.clock.advance(60_000);
    const time = flow.clock.now();
    await flow.append(...numbered(2, 3));
    await takes(far, 4);
    await eventually("all is committed", async () => (await consumer.status()).lag.events === 0);
    far.before = () => Promise.reject(new Error("down"));
    await flow.append({ event: "e5" });
    await eventually("it waits", async () => (await consumer.status()).state === "waiting");
    await consumer.rewind({ time });
    assert.equal((await consumer.status()).lag.events, 3);
  }
  await flow.reopen();
  far.before = () => [];
  const gate = Promise.withResolvers<void>();
  far.before = () => gate.promise.then(() => []);
  await using consumer = await start(flow, far);
  assert.deepEqual((await consumer.status()).replay, { fraction: 0, eventsLeft: 2 });
  gate.resolve();
  await takes(far, 7);
  assert.equal(far.names.join(), "e1,e2,e3,e4,e3,e4,e5");
});

Deno.test("Consumer keeps a replay that cannot be ended at the moment, and ends it later", async () => {
  await using flow = await openFlow();
  const far = new FarSide();
  let isAway = false;
  const log: typeof flow.log = Object.create(flow.log, {
    move: {
      value: (...args: Parameters<typeof flow.log.move>) =>
        isAway ? Promise.reject(new Error("the log is away")) : flow.log.move(...args),
    },
    ...Object.fromEntries(
      (["cursor", "position", "cursorAt", "register", "read", "waitForRecords", "lag", "commit"] as const)
        .map((name) => [name, { value: (flow.log[name] as () => unknown).bind(flow.log) }]),
    ),
  });
  await using consumer = new Consumer(far.spec(ID), { ...flow, log });
  await eventually("the consumer has started", async () => (await consumer.status()).state !== "starting");
  await flow.append(...numbered(4));
  await takes(far, 4);
  await eventually("all is committed", async () => (await consumer.status()).lag.events === 0);
  await consumer.pause();
  await consumer.rewind({ time: 0 });
  await flow.append(...numbered(1, 5));
  assert.equal((await consumer.status()).replay?.eventsLeft, 4);
  isAway = true;
  await assert.rejects(consumer.cancelReplay(), { message: "the log is away" });
  assert.equal((await consumer.status()).replay?.eventsLeft, 4);
  isAway = false;
  await consumer.cancelReplay();
  await assert.rejects(consumer.cancelReplay(), { reason: "conflict" });
  await consumer.resume();
  await takes(far, 5);
  assert.equal(far.names.join(), "e1,e2,e3,e4,e5");
});

Deno.test("Consumer that is sent back again during a replay ends it where the first one would have", async () => {
  await using flow = await openFlow();
  const far = new FarSide();
  await using consumer = await start(flow, far);
  await flow.append(...numbered(4));
  await takes(far, 4);
  await eventually("all is committed", async () => (await consumer.status()).lag.events === 0);
  const { cursor } = await consumer.status();
  await consumer.pause();
  await flow.append(...numbered(1, 5));
  await consumer.rewind({ time: 0 });
  await consumer.rewind({ cursor: "" });
  assert.deepEqual((await consumer.status()).replay, { fraction: 0, eventsLeft: 4 });
  await consumer.cancelReplay();
  assert.equal((await consumer.status()).cursor, cursor);
  await consumer.resume();
  await takes(far, 5);
  assert.equal(far.names.join(), "e1,e2,e3,e4,e5");
});

Deno.test("Consumer does not rewind to where it has not been, nor to what is no cursor", async () => {
  await using flow = await openFlow();
  const far = new FarSide();
  await using consumer = await start(flow, far);
  await consumer.pause();
  await flow.append(...numbered(3));
  const [, , last] = await flow.log.read("outbox", 1, "", { maxEvents: 10, maxBytes: 1_000_000 });
  await assert.rejects(consumer.rewind({ cursor: last?.cursor ?? "" }), { reason: "invalid", message: /lies ahead/ });
  await assert.rejects(consumer.rewind({ cursor: "nonsense" }), { reason: "invalid", message: /nonsense/ });
  assert.equal((await consumer.status()).lag.events, 3);
});

Deno.test("Consumer redelivers one event between its batches, and says why when it is not taken", async () => {
  await using flow = await openFlow();
  const far = new FarSide();
  await using consumer = await start(flow, far);
  const [record] = storedRecords([{ event: "once more" }]);
  assert.ok(record);
  await consumer.redeliver(record);
  await flow.append(...numbered(1));
  await takes(far, 2);
  assert.equal(far.names.join(), "once more,e1");
  far.before = () => [{ index: 0, reason: "still poison" }];
  await assert.rejects(consumer.redeliver(record), { reason: "invalid", message: "still poison" });
  far.before = () => Promise.reject(new Error("down"));
  await assert.rejects(consumer.redeliver(record), { message: "down" });
  await consumer.pause();
  await assert.rejects(consumer.redeliver(record), { reason: "conflict", message: /it is paused, not running/ });
  assert.deepEqual((await flow.store.deadLetters.list({ limit: 10 })).results, []);
});

Deno.test("Consumer gives up the delivery in flight when it is rewound", async () => {
  await using flow = await openFlow();
  const far = new FarSide();
  await using consumer = await start(flow, far);
  const from = (await consumer.status()).cursor;
  far.before = (_, signal) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
  await flow.append(...numbered(2));
  await eventually("the delivery hangs", () => far.offered === 1);
  const rewound = consumer.rewind({ cursor: from });
  far.before = () => [];
  await rewound;
  await takes(far, 2);
  assert.deepEqual([far.offered, far.names.join()], [2, "e1,e2"]);
});

Deno.test("Consumer waits for a batch to fill, as long as its batching says", async () => {
  await using flow = await openFlow();
  const far = new FarSide();
  await using _ = await start(flow, far, { batching: { maxEvents: 3, maxBytes: 1_000_000, maxWaitMs: 5000 } });
  await flow.append(...numbered(2));
  await eventually("it waits for the third", () => flow.clock.untilNext === 5000);
  await flow.clock.advance(4999);
  assert.equal(far.offered, 0);
  await flow.append({ event: "e3" });
  await takes(far, 3);
  await flow.append({ event: "e4" });
  await eventually("it waits again", () => flow.clock.untilNext === 5000);
  await flow.clock.advance(5000);
  await takes(far, 4);
  assert.deepEqual(far.batches, [["e1", "e2", "e3"], ["e4"]]);
});

Deno.test("Consumer never takes more than 32 MiB at once, whatever its batching says", async () => {
  await using flow = await openFlow();
  const far = new FarSide();
  const sizes: number[] = [];
  far.before = (records) => {
    sizes.push(records.reduce((sum, { event }) => sum + event.byteLength, 0));
    return [];
  };
  await using _ = await start(flow, far, { batching: { maxEvents: Infinity, maxBytes: Infinity, maxWaitMs: 1000 } });
  const properties = { filler: "x".repeat(1024 * 1024) };
  for (let count = 0; count < 40; count++) await flow.append({ event: `e${count}`, properties });
  await eventually("a batch is full", () => sizes.length === 1);
  assert.ok((sizes[0] ?? 0) > 31 * 1024 * 1024 && (sizes[0] ?? 0) <= 32 * 1024 * 1024, `${sizes[0]} bytes`);
  await eventually("the rest waits", () => flow.clock.untilNext <= 1000);
  await flow.clock.advance(1000);
  await takes(far, 40);
  assert.equal(far.batches.length, 2);
});

Deno.test("Consumer passes over what it does not want and commits that too", async () => {
  await using flow = await openFlow();
  const far = new FarSide();
  const filter = (event: Uint8Array) => namesOf([{ event }])[0] === "e700";
  await using consumer = await start(flow, far, { filter });
  await flow.append(...numbered(1200));
  await eventually("all is committed", async () => (await consumer.status()).lag.events === 0);
  assert.deepEqual(far.names, ["e700"]);
});

Deno.test("Consumer delivers a filling batch when it is stopped", async () => {
  await using flow = await openFlow();
  const far = new FarSide();
  {
    await using _ = await start(flow, far, { batching: { maxEvents: 30, maxBytes: 1_000_000, maxWaitMs: 60_000 } });
    await flow.append(...numbered(2));
    await eventually("it waits for more", () => flow.clock.untilNext === 60_000);
  }
  assert.deepEqual(far.batches, [["e1", "e2"]]);
  await using consumer = await start(flow, far);
  assert.equal((await consumer.status()).lag.events, 0);
});

Deno.test("Consumer stops within its drain time though a delivery hangs, and delivers again at the next start", async () => {
  await using flow = await openFlow();
  const far = new FarSide();
  const hang = Promise.withResolvers<void>();
  const consumer = await start(flow, far);
  far.before = () => hang.promise.then(() => []);
  await flow.append(...numbered(1));
  await eventually("the delivery hangs", () => far.offered === 1);
  const stopped = consumer[Symbol.asyncDispose]();
  await eventually("it drains", () => flow.clock.untilNext === 10_000);
  await flow.clock.advance(10_000);
  await stopped;
  hang.resolve();
  await using again = await start(flow, far);
  await eventually("it is delivered again", () => far.offered === 2);
  await eventually("it is committed", async () => (await again.status()).lag.events === 0);
});
