/**
 * Proves that a call that does not settle is rejected at its deadline, and that a plugin cannot get around it. These
 * tests wait in real time because deadlines run on the Worker's own clock.
 */

import assert from "node:assert/strict";
import { eventOf, pluginOf, RawCell } from "../../kit/cells/raw_cell.ts";
import { compiledPlugin } from "../../kit/cells/sandbox_kit.ts";
import { eventually } from "../../kit/eventually.ts";

const DEADLINE = { deadlineMs: 300 };
const SAID = "Script execution timed out after promise waited for 0.3 seconds " +
  "(test-plugin, name: processEvent, pluginConfigId: 39)";

/** Waits by way of a service, since plugins have no timers. */
const slow = () => new RawCell({ "cache.get": ([ms]) => new Promise((resolve) => setTimeout(resolve, Number(ms))) });

Deno.test("a call that does not settle is rejected at its deadline", async (t) => {
  await using cell = slow();

  await t.step("TO-10 the whole call counts, not each promise", async () => {
    await cell.load([pluginOf(`exports.processEvent = async (e, { cache }) => {
      for (let i = 0; i < 4; i++) await cache.get(200); return e }`)], DEADLINE);
    const started = performance.now();
    const { outcome, error } = await cell.process();
    const took = performance.now() - started;
    assert.deepEqual([outcome, error?.name, error?.message, error?.retry], ["f", "TimeoutError", SAID, true]);
    assert.ok(took >= 299, `rejected after ${took} ms`);
  });

  await t.step("TO-11 a plugin cannot shadow the guard", async () => {
    await cell.load([pluginOf(`const __asyncGuard = (x) => x, __hogpen_deadline = null;
      exports.processEvent = (e) => new Promise(() => {})`)], DEADLINE);
    assert.equal((await cell.process()).error?.message, SAID);
  });

  await t.step("TO-12 one long promise", async () => {
    await cell.load(
      [pluginOf(`exports.processEvent = async (e, { cache }) => { await cache.get(1000); return e }`)],
      DEADLINE,
    );
    assert.equal((await cell.process()).error?.message, SAID);
  });

  await t.step("one second is said in the singular", async () => {
    await cell.load([pluginOf(`exports.setupPlugin = () => new Promise(() => {})`)], { deadlineMs: 1000 });
    const answer = await cell.call({ type: "method", name: "setupPlugin" });
    assert.ok(!answer.ok && answer.error.retry);
    assert.match(
      answer.error.message,
      /^Script execution timed out after promise waited for 1 second \(test-plugin, name: setupPlugin,/,
    );
  });

  await t.step("a late answer is ignored; a late rejection is logged", async () => {
    await cell.load([pluginOf(`let late; exports.processEvent = async (e, { cache }) => {
      if (e.event === 'second') return e;
      await cache.get(400); e.event = 'late'; throw new Error('too late') }`)], DEADLINE);
    const first = await cell.process();
    assert.equal(first.outcome, "f");
    assert.equal((await cell.process(eventOf({ event: "second" }))).outcome, "o");
    const entry = await eventually(
      "the rejection is logged",
      () => cell.logs.find((each) => each.message.startsWith("Error: too late")),
    );
    assert.deepEqual([entry.source, entry.type], ["PLUGIN", "ERROR"]);
    assert.match(entry.message, /at .*processEvent \(\/index\.js:3:/);
  });

  await t.step("signs of life are sent while a call waits", async () => {
    await cell.load([pluginOf(`exports.processEvent = async (e, { cache }) => { await cache.get(450); return e }`)]);
    const before = cell.alive;
    assert.equal((await cell.process()).outcome, "o");
    assert.ok(cell.alive - before >= 3, `${cell.alive - before} signs`);
  });
});

Deno.test("TO-01 a loop is stopped by the guard that compiling put into it", async () => {
  await using cell = slow();
  await cell.load([
    await compiledPlugin(`export function processEvent(event) {
  let n = 0
  while (n >= 0) n++
  return event
}`),
  ], DEADLINE);
  const { outcome, error } = await cell.process();
  assert.equal(outcome, "f");
  assert.deepEqual(
    [error?.name, error?.message, error?.retry],
    ["Error", "Script execution timed out after looping for 0.3 seconds on line 3:2", false],
  );
});
