/**
 * Proves that consumers are independent of each other, keep their cursors when the configuration changes, and outlast
 * an unavailable log or store.
 */

import assert from "node:assert/strict";
import { createConsumers } from "../../../host/consumers/consumers.ts";
import { eventually } from "../../kit/eventually.ts";
import { FarSide } from "../../kit/cells/far_side.ts";
import { numbered, openFlow } from "../../kit/flow.ts";

Deno.test("createConsumers() lets a slow consumer delay nobody else", async () => {
  await using flow = await openFlow();
  const [slow, quick] = [new FarSide(), new FarSide()];
  slow.before = () => Promise.reject(new Error("down"));
  await using consumers = createConsumers(flow);
  await consumers.apply({ run: [slow.spec("onEvent:1"), quick.spec("onEvent:2")], reserve: [] });
  await flow.append(...numbered(30));
  await eventually("the quick one has all", () => quick.names.length === 30);
  await eventually("its cursor is at the end", async () => (await consumers.get("onEvent:2"))?.lag.events === 0);
  assert.deepEqual((await consumers.list()).map(({ id, lag }) => [id, lag.events]), [["onEvent:1", 30], [
    "onEvent:2",
    0,
  ]]);
  assert.deepEqual((await consumers.get("onEvent:1"))?.lastError?.message, "down");
});

Deno.test("createConsumers() replaces a changed consumer, which goes on where it was", async () => {
  await using flow = await openFlow();
  const [old, young] = [new FarSide(), new FarSide()];
  await using consumers = createConsumers(flow);
  await consumers.apply({ run: [old.spec("onEvent:1")], reserve: [] });
  await flow.append(...numbered(2));
  await eventually("the old one has them", () => old.names.length === 2);
  await consumers.apply({ run: [young.spec("onEvent:1")], reserve: [] });
  await flow.append({ event: "e3" });
  await eventually("the same revision stays", () => old.names.length === 3);
  await consumers.apply({ run: [young.spec("onEvent:1", { revision: "2" })], reserve: [] });
  await flow.append({ event: "e4" });
  await eventually("the young one has the next", () => young.names.length === 1);
  assert.deepEqual([old.names.join(), young.names.join()], ["e1,e2,e3", "e4"]);
});

Deno.test("createConsumers() keeps the place of a consumer that is reserved, from before it first runs", async () => {
  await using flow = await openFlow();
  const far = new FarSide();
  await using consumers = createConsumers(flow);
  await consumers.apply({ run: [], reserve: [{ id: "onEvent:1", project: 1 }] });
  assert.deepEqual(await consumers.list(), []);
  await flow.append(...numbered(2));
  await consumers.apply({ run: [far.spec("onEvent:1")], reserve: [] });
  await eventually("it has what came before it ran", () => far.names.length === 2);
});

Deno.test("createConsumers() gives up the place of what is gone, also of what went while it was not running", async () => {
  await using flow = await openFlow();
  const far = new FarSide();
  {
    await using consumers = createConsumers(flow);
    await consumers.apply({ run: [far.spec("onEvent:1"), far.spec("onEvent:2")], reserve: [] });
    await consumers.pause("onEvent:1");
    await consumers.apply({ run: [far.spec("onEvent:1")], reserve: [] });
    await flow.append(...numbered(3));
  }
  await flow.reopen();
  await using consumers = createConsumers(flow);
  await consumers.apply({ run: [], reserve: [] });
  const later = new FarSide();
  await consumers.apply({ run: [later.spec("onEvent:1"), later.spec("onEvent:2")], reserve: [] });
  for (const { id, lag, state } of await consumers.list()) {
    assert.equal(lag.events, 0, `${id} begins anew`);
    assert.notEqual(state, "paused");
  }
});

Deno.test("createConsumers() gives up a reserved place after a day, also over restarts, so that retention goes on", async () => {
  await using flow = await openFlow();
  const reserve = [{ id: "onEvent:1", project: 1 }];
  const hour = 3_600_000;
  await flow.append({ event: "before" });
  {
    await using consumers = createConsumers(flow);
    await consumers.apply({ run: [new FarSide().spec("onEvent:1")], reserve: [] });
    await consumers.apply({ run: [], reserve });
    await flow.append(...numbered(2));
    await flow.clock.advance(23 * hour);
    assert.notEqual(await flow.log.cursor("outbox", 1, "onEvent:1"), "");
  }
  await flow.reopen();
  await using consumers = createConsumers(flow);
  await consumers.apply({ run: [], reserve });
  assert.notEqual(await flow.log.cursor("outbox", 1, "onEvent:1"), "");
  await eventually("its place is given up", async () => {
    await flow.clock.advance(hour);
    return await flow.log.cursor("outbox", 1, "onEvent:1") === "";
  });
  const far = new FarSide();
  await consumers.apply({ run: [far.spec("onEvent:1")], reserve: [] });
  await flow.append({ event: "e3" });
  await eventually("it begins anew", () => far.names.length > 0);
  assert.deepEqual(far.names, ["e3"]);
});

Deno.test("a place on a shared log stays as long as a host that is there wants it, and goes with the last one", async () => {
  await using flow = await openFlow();
  const far = new FarSide();
  const places = async () =>
    await Promise.all(["onEvent:1", "onEvent:2"].map(async (id) => await flow.log.cursor("outbox", 1, id) !== ""));
  await flow.append({ event: "before" });
  for (const id of ["old", "new"]) await flow.store.settings.set(`host:${id}`, "{}");
  const host = (hostId: string) => createConsumers({ ...flow, hostId });
  const run = (...ids: string[]) => ({ run: ids.map((id) => far.spec(id)), reserve: [] });
  await using old = host("old");
  await using changed = host("new");
  await old.apply(run("onEvent:1"));
  await changed.apply(run("onEvent:1", "onEvent:2"));
  await old.apply(run());
  assert.deepEqual(await places(), [true, true], "one adds a consumer, the other has its old configuration");
  await old.apply(run("onEvent:1"));
  await changed.apply(run("onEvent:2"));
  assert.deepEqual(await places(), [true, true], "one removes a consumer, the other still has it");
  await old.apply(run("onEvent:2"));
  assert.deepEqual(await places(), [false, true], "it is gone from both");
  await flow.store.settings.del("host:old");
  await changed.apply(run());
  assert.deepEqual(await places(), [false, false], "the other host has stopped");
});

Deno.test("createConsumers() refuses what is asked of a consumer that does not exist", async () => {
  await using flow = await openFlow();
  await using consumers = createConsumers(flow);
  assert.equal(await consumers.get("onEvent:9"), null);
  const unknown = { name: "ConsumerControlError", reason: "unknown", message: /onEvent:9/ };
  await assert.rejects(consumers.pause("onEvent:9"), unknown);
  await assert.rejects(consumers.resume("onEvent:9"), unknown);
  await assert.rejects(consumers.rewind("onEvent:9", { time: 0 }), unknown);
});

Deno.test("createConsumers() waits out a log that is away", async () => {
  await using flow = await openFlow();
  const far = new FarSide();
  let refusals = 3;
  const errors: unknown[] = [];
  const log: typeof flow.log = Object.create(flow.log, {
    commit: {
      value: (...args: Parameters<typeof flow.log.commit>) =>
        refusals-- > 0 ? Promise.reject(new Error("disk full")) : flow.log.commit(...args),
    },
    register: { value: flow.log.register.bind(flow.log) },
    read: { value: flow.log.read.bind(flow.log) },
    waitForRecords: { value: flow.log.waitForRecords.bind(flow.log) },
    lag: { value: flow.log.lag.bind(flow.log) },
  });
  await using consumers = createConsumers({ ...flow, log, onError: (_, error) => errors.push(error) });
  await consumers.apply({ run: [far.spec("onEvent:1")], reserve: [] });
  await flow.append(...numbered(1));
  await eventually("the cursor is at the end", async () => {
    await flow.clock.advance(1000);
    return (await consumers.get("onEvent:1"))?.lag.events === 0;
  });
  assert.deepEqual([errors.length, far.names.length], [3, 1]);
});

Deno.test("createConsumers() starts consumers though the store is away, and settles what it has to note later", async () => {
  await using flow = await openFlow();
  const far = new FarSide();
  const { settings } = flow.store;
  let away = true;
  const store = {
    ...flow.store,
    settings: {
      ...settings,
      get: (key: string) => away ? Promise.reject(new Error("connection refused")) : settings.get(key),
    },
  };
  await using consumers = createConsumers({ ...flow, store });
  await consumers.apply({ run: [far.spec("onEvent:1")], reserve: [{ id: "onEvent:2", project: 1 }] });
  await flow.append(...numbered(2));
  assert.deepEqual((await consumers.list()).map(({ id, state }) => [id, state]), [["onEvent:1", "starting"]]);
  away = false;
  await eventually("it has them", async () => {
    await flow.clock.advance(1000);
    return far.names.length === 2;
  });
  await eventually("it is noted whose places there are", async () => {
    await flow.clock.advance(1000);
    return (await settings.get("consumers"))?.includes("onEvent:2");
  });
});
