/**
 * Proves that an event has the same outcome whether it leaves the cell as JSON or passes to the next plugin as an
 * object.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import "../../kit/worker_globals.ts";
import { Habits } from "../../../sandbox/events/habits.ts";
import { copyEvent, type EventObject, writeEvent } from "../../../sandbox/events/judge.ts";

const TEAM = 2;

/** What a plugin may leave in an event that is no plain data. */
const oddities: fc.Arbitrary<() => unknown> = fc.oneof(
  fc.anything({ withBoxedValues: true, withDate: true, withMap: true, withSet: true, withSparseArray: true })
    .map((value) => () => value),
  fc.jsonValue().map((value) => () => ({ toJSON: () => value })),
  fc.jsonValue().map((value) => () => ({ keep: 1, toJSON: value })),
  fc.jsonValue().map((value) => () => Object.defineProperty({}, "got", { enumerable: true, get: () => value })),
  fc.constant(() => ({
    get thrown() {
      throw new Error("no");
    },
  })),
  fc.object().map((value) => () => new Proxy(value, {})),
  fc.jsonValue().map((value) => () => new Proxy({}, { get: (_, key) => key === "toJSON" ? () => value : undefined })),
  fc.array(fc.jsonValue()).map((value) => () => new Proxy(value, {})),
  fc.constant(() => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  }),
  fc.constantFrom(Symbol("x"), () => 1, 10n, -0, NaN, "\ud800", new Date(0), new Date(NaN), undefined)
    .map((value) => () => value),
  fc.constant(() => JSON.parse('{"__proto__": {"polluted": 1}, "gone": 1}')),
  fc.constant(() => {
    const loop: unknown[] = [];
    loop.push(loop);
    return loop;
  }),
  fc.constant(() => {
    let tree: unknown = 1;
    for (let level = 0; level < 40; level++) tree = { gone: undefined, child: tree };
    return tree;
  }),
  fc.constant(() => Object.assign(Object.create({ inherited: 1, toJSON: () => "text" }) as object, { own: 1 })),
);

const places = ["event", "properties", "team_id", "distinct_id", "toJSON", "__proto__", "inner", "whole"] as const;

function eventWith(place: typeof places[number], oddity: unknown): unknown {
  const event: EventObject = { event: "name", distinct_id: "id", team_id: TEAM, properties: { a: 1 } };
  if (place === "whole") return oddity;
  const target = place === "inner" ? event["properties"] as EventObject : event;
  Object.defineProperty(target, place, { value: oddity, enumerable: true, configurable: true, writable: true });
  return event;
}

Deno.test("an event becomes the same alone as between two plugins of a shared cell, whatever is in it", () => {
  const deletes = new Habits();
  Object.defineProperty(deletes, "deletes", { value: true });
  fc.assert(
    fc.property(oddities, fc.constantFrom(...places), (make, place) => {
      // Each gets an object of its own.
      const alone = writeEvent(eventWith(place, make()), TEAM, new Habits());
      const copiedFirst = writeEvent(eventWith(place, make()), TEAM, deletes);
      const shared = copyEvent(eventWith(place, make()), TEAM, new Habits());
      const read = (text: string | undefined) => text === undefined ? undefined : JSON.parse(text) as unknown;
      assert.deepEqual(read(alone.event), read(JSON.stringify(shared.event)));
      assert.deepEqual(read(copiedFirst.event), read(alone.event));
      assert.equal(alone.error === undefined, shared.error === undefined);
      if (alone.event === undefined) return;
      const event = read(alone.event) as EventObject;
      assert.equal(typeof event["event"], "string");
      assert.equal(event["team_id"], TEAM);
      const { properties } = event;
      assert.ok(properties == null || typeof properties === "object" && !Array.isArray(properties));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("of what has no name, or properties that are none in JSON, there is no event", () => {
  const named = { event: "name", team_id: TEAM };
  for (
    const [what, source] of [
      ["no name", { properties: {}, team_id: TEAM }],
      ["a name that is a function", { ...named, event: () => "name" }],
      ["a name that is a number", { ...named, event: 5 }],
      ["properties that become an array", { ...named, properties: { toJSON: () => [1, 2] } }],
      ["properties that become a text", { ...named, properties: { toJSON: () => "text" } }],
      ["properties of a class that become a text", { ...named, properties: new Date(0) }],
      ["an event that becomes a text", { ...named, toJSON: () => "text" }],
    ] as const
  ) {
    for (const read of [writeEvent, copyEvent]) {
      const { event, error } = read(source, TEAM, new Habits());
      assert.equal(event, undefined, what);
      assert.match(error!.message, /^Cannot (pass on an event|use what processEvent returned): expected /, what);
    }
  }
});

Deno.test("a nested object with something missing at each level is read once, at every size", () => {
  // What a getter counts does not depend on how fast the machine is.
  let reads = 0;
  const LEVELS = 200;
  const make = () => {
    let tree: object = {
      get leaf() {
        return ++reads;
      },
    };
    for (let level = 0; level < LEVELS; level++) tree = { gone: undefined, child: tree };
    return { event: "name", team_id: TEAM, properties: { tree } };
  };
  for (let round = 1; round <= 10; round++) {
    assert.ok(copyEvent(make(), TEAM, new Habits()).event);
    assert.equal(reads, round);
  }
});
