/**
 * Proves that each `console` call becomes one log entry, formatted as PostHog formats it, and that a flood of them is
 * cut.
 */

import assert from "node:assert/strict";
import { eventOf, pluginOf, RawCell } from "../../kit/cells/raw_cell.ts";
import { eventually } from "../../kit/eventually.ts";

const METHODS = ["debug", "log", "info", "warn", "error"];
const CASES: [what: string, first: number, args: string, message: string][] = [
  ["empty", 1, "", ""],
  ["string and number", 6, `'number =', 987`, "number = 987"],
  ["Error", 11, `new Error('something')`, "Error: something"],
  ["object", 16, `{ 1: 'ein', 2: 'zwei' }`, '{"1":"ein","2":"zwei"}'],
  ["array", 21, `[99, 79]`, "[99,79]"],
];

Deno.test("console writes one entry per call, formatted as PostHog did", async (t) => {
  await using cell = new RawCell();
  for (const [what, first, args, message] of CASES) {
    for (const [index, method] of METHODS.entries()) {
      const id = `CO-${String(first + index).padStart(2, "0")}`;
      await t.step(`${id} console.${method} with ${what}`, async () => {
        cell.logs.length = 0;
        await cell.load([pluginOf(`exports.processEvent = (e) => { console.${method}(${args}); return e }`)]);
        await cell.process();
        const entry = await eventually("the entry is there", () => cell.logs[0]);
        assert.deepEqual([entry.source, entry.type, entry.message], ["CONSOLE", method.toUpperCase(), message]);
        assert.equal(cell.logs.length, 1);
      });
    }
  }

  await t.step("what cannot be written rejects, and hurts nobody who does not wait", async () => {
    await cell.load([pluginOf(`exports.processEvent = async (e) => {
      const loop = {}; loop.loop = loop;
      try { await console.log(loop) } catch (error) { e.event = error.name }
      return e }`)]);
    assert.equal((await cell.process()).event?.["event"], "TypeError");
  });

  await t.step("a flood is cut, and how much of it is told", async () => {
    cell.logs.length = 0;
    cell.droppedLogs = 0;
    await cell.load([
      pluginOf(
        `exports.processEvent = (e) => { for (let i = 0; i < 20000; i++) console.log(i, 'x'.repeat(100)); return e }`,
      ),
    ]);
    assert.equal((await cell.process(eventOf())).outcome, "o");
    await eventually("the rest is counted", () => cell.droppedLogs > 0);
    assert.ok(cell.logs.length <= 1000, String(cell.logs.length));
    assert.equal(cell.logs.length + cell.droppedLogs, 20_000);
  });

  await t.step("a flood takes no place of a neighbour's lines", async () => {
    cell.logs.length = 0;
    await cell.load([
      pluginOf(`exports.processEvent = (e) => { for (let i = 0; i < 5000; i++) console.log(i); return e }`),
      pluginOf(`exports.processEvent = (e) => { console.log('heard'); return e }`, { pluginConfigId: 40 }),
    ]);
    await cell.batch([eventOf()], "processEvent", [0, 1]);
    const line = await eventually("the neighbour is heard", () => cell.logs.find(({ plugin }) => plugin === 1));
    assert.equal(line.message, "heard");
  });
});
