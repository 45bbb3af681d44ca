/**
 * Proves how a real cell process ends, and that requests, oversized frames and stray output cannot break its protocol.
 * One test polls every millisecond, because nothing announces that a sandbox has filled its window of requests.
 */

import assert from "node:assert/strict";
import { encodeFrame, encodeJsonFrame } from "../../../runtime/frames.ts";
import { FrameKind, MAX_SERVICE_REQUESTS } from "../../../runtime/protocol.ts";
import { COMPILED_CELL, eventOf, pluginOf, RawCell } from "../../kit/cells/raw_cell.ts";
import { eventually } from "../../kit/eventually.ts";

Deno.test("a cell ends when the host is gone", async (t) => {
  await t.step("when it is idle", async () => {
    await using cell = new RawCell();
    await cell.load([pluginOf(``)]);
    assert.equal((await cell.closeInput()).code, 0);
  });

  await t.step("while its plugin spins", async () => {
    await using cell = new RawCell();
    await cell.load([pluginOf(`exports.processEvent = (e) => { if (e.event === 'spin') for (;;); return e }`)]);
    await cell.process();
    const spinning = cell.process(eventOf({ event: "spin" }));
    spinning.catch(() => {});
    // The first sign of life says that the batch was taken up.
    const before = cell.alive;
    await eventually("the plugin spins", () => cell.alive > before);
    const started = performance.now();
    assert.equal((await cell.closeInput()).code, 0);
    assert.ok(performance.now() - started < 5000);
    await assert.rejects(spinning);
  });
});

Deno.test("the cell of the compiled executable works with the rights that it keeps", async () => {
  await using cell = new RawCell({}, ["{}"], COMPILED_CELL);
  await cell.load([
    pluginOf(
      `exports.processEvent = (e) => ({ ...e, event: require('crypto').createHash('md5').update('a').digest('hex') })`,
    ),
  ]);
  const { outcomes, events } = await cell.batch([eventOf()]);
  assert.deepEqual(outcomes, ["o"]);
  assert.equal((events[0] as { event: string }).event, "0cc175b9c0f1b6a831c399e269772661");
});

Deno.test("a frame that is too large for the cell ends it", async () => {
  await using cell = new RawCell({}, [JSON.stringify({ hostFrameBytes: 1000 })]);
  await cell.write(encodeFrame(FrameKind.Load, 1, new Uint8Array(2000)));
  const status = await cell.status;
  assert.equal(status.code, 64);
  assert.match(await cell.stderr, /^cell: RangeError: Cannot read a frame of 2005 bytes: expected 5 to 996\n$/);
});

Deno.test("a sandbox that sends a frame beyond the limit ends the cell", async () => {
  await using cell = new RawCell({}, [JSON.stringify({ frameBytes: 500 })]);
  const loaded = cell.load([
    pluginOf(`exports.jobs = { ${Array.from({ length: 200 }, (_, i) => `job${i}() {}`).join()} }`),
  ]);
  await assert.rejects(loaded, /ended with code 65/);
  assert.match(await cell.stderr, /^cell: Cannot forward a frame of \d+ bytes: expected at most 500\n$/);
});

Deno.test("service requests beyond the window wait in the sandbox, and come in order", async () => {
  let open = 0;
  let most = 0;
  const keys: string[] = [];
  await using cell = new RawCell({
    "cache.get": async ([key]) => {
      most = Math.max(most, ++open);
      keys.push(String(key));
      await new Promise((resolve) => setTimeout(resolve, 1));
      open--;
      return null;
    },
  });
  await cell.load([pluginOf(`exports.processEvent = async (e, { cache }) => {
    await Promise.all(Array.from({ length: 300 }, (_, i) => cache.get(i))); return e }`)]);
  assert.equal((await cell.process()).outcome, "o");
  assert.ok(most <= 64, `${most} at a time`);
  assert.deepEqual(keys, Array.from({ length: 300 }, (_, index) => String(index)));
});

Deno.test("service calls without end are refused in the sandbox", async () => {
  await using cell = new RawCell({ "cache.get": () => new Promise(() => {}) });
  await cell.load([pluginOf(`exports.processEvent = async (e, { cache, storage }) => { let refused = '';
    for (let i = 0; i < 20000; i++) cache.get('x').catch((error) => { refused = error.message });
    await null; await null; await null; e.refused = refused;
    try { await storage.set('big', 'x'.repeat(9e6)) } catch (error) { e.big = error.message } return e }`)]);
  const { event } = await cell.process();
  assert.match(String(event?.["refused"]), /^Cannot call cache\.get: too many calls are waiting/);
  assert.match(String(event?.["big"]), /^Cannot call storage\.set: its arguments take more than/);
});

Deno.test("a plugin whose calls are not answered leaves its neighbour's calls a place", async () => {
  let held = 0;
  const answer = (_: unknown, plugin: number) => plugin === 1 ? "answered" : (held++, new Promise(() => {}));
  await using cell = new RawCell({ "cache.get": answer });
  await cell.load([
    pluginOf(
      `exports.processEvent = (e, { cache }) => { for (let i = 0; i < 20000; i++) cache.get('x').catch(() => {}); return e }`,
    ),
    pluginOf(
      `exports.processEvent = async (e, { cache }) => ({ ...e, got: await cache.get('x', null, { jsonSerialize: false }) })`,
      { pluginConfigId: 40 },
    ),
  ]);
  const { events } = await cell.batch([eventOf()], "processEvent", [0, 1]);
  assert.equal((events[0] as { got?: unknown }).got, "answered");
  assert.equal(held, MAX_SERVICE_REQUESTS - 1);
});

Deno.test("nothing but frames comes out of a cell's stdout, whatever a plugin or package prints", async () => {
  await using cell = new RawCell();
  await cell.load([
    pluginOf(
      `exports.processEvent = (e) => { console.log('from the plugin'); require('@posthog/plugin-contrib').createBuffer({ onFlush() {} }); return e }`,
    ),
  ]);
  assert.equal((await cell.process()).outcome, "o");
  await cell.closeInput();
  assert.equal(await cell.stderr, "cell: the host is gone\n");
});

Deno.test("an answer to no request is ignored", async () => {
  await using cell = new RawCell();
  await cell.load([pluginOf(`exports.processEvent = (e) => e`)]);
  await cell.write(encodeJsonFrame(FrameKind.ServiceResult, 77, { ok: true, value: "forged" }));
  assert.equal((await cell.process()).outcome, "o");
});
