/** Proves which outcome an event has for every kind of value that a plugin function may return or throw. */

import assert from "node:assert/strict";
import { eventOf, pluginOf, RawCell } from "../../kit/cells/raw_cell.ts";

/** Runs one event through processEvent with this body. */
async function run(cell: RawCell, body: string, event = eventOf()) {
  const [result] = await cell.load([pluginOf(`exports.processEvent = (event, meta) => { ${body} }`)]);
  assert.ok(result && "capabilities" in result, JSON.stringify(result));
  return await cell.process(event);
}

Deno.test("what processEvent makes of an event", async (t) => {
  await using cell = new RawCell();

  await t.step("an event that comes out as it went in is not sent again", async () => {
    assert.equal((await run(cell, `return event`)).event, "unchanged");
    assert.equal((await run(cell, `return { ...event }`)).event, "unchanged");
  });

  for (const value of ["null", "undefined", "false", "0", "''", "NaN"]) {
    await t.step(`${value} drops it`, async () => {
      const { outcome, event, error } = await run(cell, `return ${value}`);
      assert.deepEqual([outcome, event, error], ["d", undefined, undefined]);
    });
  }

  for (const value of ["true", "'text'", "5", "Symbol('x')", "() => {}", "[event]", "10n"]) {
    await t.step(`${value} fails, and what was changed in the event stays`, async () => {
      const { outcome, event, error } = await run(cell, `event.event = 'changed'; return ${value}`);
      assert.deepEqual([outcome, event?.["event"]], ["f", "changed"]);
      assert.match(error!.message, /^Cannot use what processEvent returned: expected an event, found an? /);
    });
  }

  await t.step("throwing fails, and what was changed in the event stays", async () => {
    const { outcome, event, error } = await run(cell, `event.properties.a = 1; throw new RangeError('no')`);
    assert.deepEqual([outcome, event?.["properties"]], ["f", { a: 1 }]);
    assert.deepEqual([error?.name, error?.message, error?.stack], [
      "RangeError",
      "no",
      "    at exports.processEvent (/index.js:1:73)",
    ]);
  });

  await t.step("another team_id is put back and fails, what was returned goes on", async () => {
    const { outcome, event, error } = await run(cell, `return { ...event, team_id: 3, event: 'new' }`);
    assert.deepEqual([outcome, event?.["team_id"], event?.["event"]], ["f", 2, "new"]);
    assert.deepEqual([error?.name, error?.message], ["IllegalOperationError", "Plugin tried to change event.team_id"]);
  });

  await t.step("a fresh object without team_id is used, and fails", async () => {
    const { outcome, event } = await run(cell, `return { event: 'bare' }`);
    assert.deepEqual([outcome, event], ["f", { event: "bare", team_id: 2 }]);
  });

  for (
    const [what, body] of [
      [
        "toJSON that changes team_id",
        `event.toJSON = () => ({ ...event, team_id: 3, toJSON: undefined }); return event`,
      ],
      [
        "a getter that changes its mind",
        `let n = 0; Object.defineProperty(event, 'team_id', { enumerable: true, get: () => n++ ? 3 : 2 }); return event`,
      ],
      [
        "a proxy that changes its mind",
        `let n = 0; return new Proxy(event, { get: (t, k) => k === 'team_id' && n++ > 0 ? 3 : t[k] })`,
      ],
    ] as const
  ) {
    await t.step(`no team_id by ${what}`, async () => {
      const { event } = await run(cell, body);
      assert.ok(event as unknown === "unchanged" || event?.["team_id"] === 2, JSON.stringify(event));
    });
  }

  for (
    const [what, body, said] of [
      ["a cycle", `event.properties.loop = event`, /circular/],
      ["a BigInt", `event.properties.n = 10n`, /BigInt/],
      ["a throwing toJSON", `event.properties.x = { toJSON() { throw new Error('no JSON') } }`, /^no JSON$/],
      [
        "a throwing getter",
        `Object.defineProperty(event, 'x', { enumerable: true, get() { throw new Error('trap') } })`,
        /^trap$/,
      ],
      ["too much text", `event.properties.x = 'x'.repeat(9e6)`, /^Cannot pass on an event of \d+ bytes/],
      ["a toJSON that gives no event", `event.toJSON = () => 'text'`, /^Cannot use what processEvent returned/],
    ] as const
  ) {
    await t.step(`${what} fails, and the event goes on as it came in`, async () => {
      const { outcome, event, error } = await run(cell, `event.event = 'changed'; ${body}; return event`);
      assert.deepEqual([outcome, event], ["f", "unchanged"]);
      assert.match(error!.message, said);
    });
  }

  await t.step("a proxy that revokes itself fails, and does not stop the batch", async () => {
    const { outcome, event } = await run(
      cell,
      `const { proxy, revoke } = Proxy.revocable({}, { get(t, key) { if (key === 'then') revoke() } }); return proxy`,
    );
    assert.deepEqual([outcome, event], ["f", "unchanged"]);
  });

  await t.step("a distinct_id that cannot become a string does not stop the batch", async () => {
    await run(cell, `event.seen = true; return event`);
    const answer = await cell.batch([eventOf({ distinct_id: { toString: 1 } }), eventOf({ distinct_id: 5 })]);
    assert.deepEqual(answer.outcomes, ["oo"]);
  });

  await t.step("one bad event of a batch fails alone", async () => {
    await run(cell, `if (event.event === 'bad') event.n = 10n; else event.n = 1; return event`);
    const events = ["good", "bad", "good"].map((event, id) => eventOf({ event, distinct_id: String(id) }));
    const answer = await cell.batch(events);
    assert.deepEqual(answer.outcomes, ["ofo"]);
    assert.equal(answer.events[1], "unchanged");
    assert.deepEqual(answer.errors.map(({ event, plugin }) => [event, plugin]), [[1, 0]]);
  });

  await t.step("an event that is no JSON fails alone", async () => {
    const answer = await cell.batch([eventOf(), "{broken", "5"]);
    assert.deepEqual(answer.outcomes, ["off"]);
    assert.deepEqual(answer.lengths.slice(1), [-1, -1]);
  });

  await t.step("text beyond ASCII is cut at the right bytes", async () => {
    await run(cell, `event.event += '→'; return event`);
    const events = ["ä", "日本", "😀", "plain"].map((event, id) => eventOf({ event, distinct_id: String(id) }));
    const answer = await cell.batch(events);
    assert.deepEqual(answer.events.map((event) => (event as { event: string }).event), [
      "ä→",
      "日本→",
      "😀→",
      "plain→",
    ]);
  });
});

Deno.test("what other functions make of events", async (t) => {
  await using cell = new RawCell();

  await t.step("onEvent: RetryError asks for another try, any other error fails", async () => {
    await cell.load([pluginOf(`const { RetryError: Imported } = require('@posthog/plugin-scaffold');
      exports.onEvent = async (e) => {
        if (e.event === 'retry') throw new RetryError('later');
        if (e.event === 'imported') throw new Imported('later');
        if (e.event === 'fail') throw new Error('never');
        return 'ignored' }`)]);
    const answer = await cell.batch(
      ["fine", "retry", "imported", "fail"].map((event, id) => eventOf({ event, distinct_id: String(id) })),
      "onEvent",
    );
    assert.deepEqual([answer.outcomes, answer.lengths], [["orrf"], [0, 0, 0, 0]]);
    assert.deepEqual(answer.errors.map(({ error }) => [error.name, error.retry]), [
      ["RetryError", true],
      ["RetryError", true],
      ["Error", false],
    ]);
  });

  await t.step("exportEvents gets the whole batch and has one outcome", async () => {
    await cell.load([
      pluginOf(
        `exports.exportEvents = async (events) => { if (events.length !== 3) throw new Error(String(events.length));
      if (events[0].event === 'again') throw new RetryError('again') }`,
      ),
    ]);
    assert.deepEqual((await cell.batch([eventOf(), eventOf(), eventOf()], "exportEvents")).outcomes, ["ooo"]);
    const again = await cell.batch([eventOf({ event: "again" }), eventOf(), eventOf()], "exportEvents");
    assert.deepEqual([again.outcomes, again.errors.length], [["rrr"], 1]);
  });
});
