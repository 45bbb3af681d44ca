/**
 * Proves that `copyJson()` gives exactly what a round trip through JSON gives, also for the object shapes for which it
 * compiles a faster copy.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { copyJson } from "../../../sandbox/events/copy_json.ts";

const viaText = (value: unknown) => {
  const text = JSON.stringify(value);
  return text === undefined ? undefined : JSON.parse(text);
};

Deno.test("copyJson() copies any JSON value, and shares nothing with it", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    const copy = copyJson(value);
    assert.deepEqual(copy, viaText(value));
    if (typeof value === "object" && value !== null) assert.notEqual(copy, value);
  }));
});

Deno.test("copyJson() makes of anything else what a round trip through JSON makes", () => {
  const anything = fc.anything({
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withSparseArray: true,
  });
  fc.assert(fc.property(anything, (value) => {
    let expected: unknown;
    try {
      expected = viaText(value);
    } catch {
      assert.throws(() => copyJson(value));
      return;
    }
    // JSON has one zero.
    assert.deepEqual(viaText(copyJson(value)), expected);
  }));
});

Deno.test("copyJson() keeps a property called __proto__ a property", () => {
  const copy = copyJson(JSON.parse('{"__proto__": {"polluted": 1}, "a": 1}')) as object;
  assert.equal(Object.getPrototypeOf(copy), Object.prototype);
  assert.equal(JSON.stringify(copy), '{"__proto__":{"polluted":1},"a":1}');
});

Deno.test("copyJson() throws on what JSON.stringify throws on", () => {
  const loop: Record<string, unknown> = {};
  loop["loop"] = loop;
  assert.throws(() => copyJson(loop));
  assert.throws(() => copyJson({ n: 1n }), TypeError);
});

Deno.test("copyJson() refuses what is nested too deeply or takes too many characters", () => {
  const nested = (levels: number): unknown => levels === 0 ? 1 : { a: nested(levels - 1) };
  assert.deepEqual(copyJson(nested(1000)), nested(1000));
  assert.throws(() => copyJson(nested(1001)), /more than 1000 levels/);
  assert.throws(() => copyJson({ text: "x".repeat(100) }, 50), /more than 50 characters/);
  assert.throws(() => copyJson({ ["x".repeat(100)]: 1 }, 50), RangeError);
  assert.throws(() => copyJson(new Array(100), 50), RangeError);
  assert.deepEqual(copyJson({ text: "x" }, 50), { text: "x" });
});

Deno.test("copyJson() copies objects of a shape that it has seen often like any other", () => {
  const fields = Array.from({ length: 20 }, (_, index) => `"field ${index}": ${index}`);
  const text = `{"7": "seven", ${fields.join()}, "__proto__": {"polluted": 1}, "nested": {"a": [1, null]}}`;
  for (let round = 0; round < 15; round++) {
    const value = JSON.parse(text.replaceAll(": 3", `: ${["1.5", '"text"', "null", "{}", "[]"][round % 5]}`)) as object;
    const copy = copyJson(value) as Record<string, unknown>;
    assert.equal(JSON.stringify(copy), JSON.stringify(value));
    assert.equal(Object.getPrototypeOf(copy), Object.prototype);
    assert.notEqual(copy["nested"], (value as Record<string, unknown>)["nested"]);
    // Its next copy starts from nothing of it.
    copy["field 0"] = "changed";
  }
  const without = Object.assign(JSON.parse(text) as object, { "field 5": undefined, "field 6": () => 1 });
  assert.equal(JSON.stringify(copyJson(without)), JSON.stringify(without));
  assert.throws(() => copyJson(JSON.parse(text), 150), RangeError);
});

Deno.test("copyJson() takes names of any kind as names", () => {
  const names = [
    '"',
    "\\",
    "`${1}`",
    "\u2028",
    '"]: (() => { throw 1 })(), ["',
    "constructor",
    "valueOf",
    "\ud800",
    "",
  ];
  fc.assert(fc.property(fc.array(fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom(...names))), (keys) => {
    const value = Object.fromEntries(keys.map((key, index) => [key, index % 2 ? index : String(index)]));
    // Not as JSON.parse would have it: V8 15 takes the name `"` for `\\` after it has read objects with that one.
    for (let round = 0; round < 6; round++) assert.deepEqual(copyJson(value), value);
  }));
});

Deno.test("copyJson() copies objects of more shapes than it can remember, and of more properties", () => {
  for (let round = 0; round < 2000; round++) {
    const value = { [`a${round >> 3}`]: "text", [`b${round >> 3}`]: { c: round } };
    assert.deepEqual(copyJson(value), value);
  }
  const large = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`field ${index}`, index]));
  for (let round = 0; round < 10; round++) assert.deepEqual(copyJson(large), large);
});
