/**
 * Proves that a cell's answer to a batch is read correctly, and that events too deep or too large to parse are replaced
 * by their originals.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { readBatchResult } from "../../../../host/cells/dispatch/batch_result.ts";
import { findExcess, isDeeperThan } from "../../../../host/cells/process/json_depth.ts";
import { decodeFrame, encodeBatchFrame } from "../../../../runtime/frames.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function eventsOf(texts: string[]) {
  const parts = texts.map((text) => encoder.encode(text));
  return { lengths: parts.map((part) => part.byteLength), body: encoder.encode(texts.join("")) };
}

function read(input: string[], results: (string | null)[], outcomes = ["o".repeat(input.length)]) {
  const changed = results.filter((result) => result !== null);
  const lengths = results.map((result) => result === null ? -1 : encoder.encode(result).byteLength);
  const body = encoder.encode(changed.join(""));
  const { payload } = decodeFrame(encodeBatchFrame(17, 1, { outcomes, errors: [], lengths }, body));
  const asked = { fn: "processEvent" as const, chainLength: outcomes.length, events: eventsOf(input) };
  const outcome = readBatchResult(payload, asked);
  let at = 0;
  const texts = outcome.events.lengths.map((length) => decoder.decode(outcome.events.body.subarray(at, at += length)));
  return { ...outcome, texts, input: asked.events };
}

Deno.test("readBatchResult() puts changed and unchanged events together in their order", () => {
  const text = fc.json().map((json) => `{"a":${json}}`);
  fc.assert(fc.property(fc.array(fc.tuple(text, fc.option(text))), (pairs) => {
    const { texts } = read(pairs.map(([before]) => before), pairs.map(([, after]) => after));
    assert.deepEqual(texts, pairs.map(([before, after]) => after ?? before));
  }));
});

Deno.test("readBatchResult() hands the batch on without a copy when nothing changed", () => {
  const { events, input } = read(['{"a":1}', '{"a":2}'], [null, null]);
  assert.equal(events.body, input.body);
});

Deno.test("readBatchResult() keeps the event that went in when what came out is nested too deep", () => {
  const deep = '{"a":'.repeat(3000) + "1" + "}".repeat(3000);
  const { texts, outcomes, errors } = read(['{"n":1}', '{"n":2}', '{"n":3}'], ['{"n":10}', deep, '{"n":30}'], [
    "ooo",
    "oos",
  ]);
  assert.deepEqual(texts, ['{"n":10}', '{"n":2}', '{"n":30}']);
  assert.deepEqual(outcomes, ["ooo", "ofs"]);
  assert.match(errors[0]?.error.message ?? "", /nested more than 2500 levels deep/);
});

Deno.test("readBatchResult() keeps the event that went in when what came out has too many values", () => {
  const many = JSON.stringify({ list: new Array(100_000).fill(0) });
  const { texts, outcomes, errors } = read(['{"n":1}', '{"n":2}'], ['{"n":10}', many]);
  assert.deepEqual([texts, outcomes], [['{"n":10}', '{"n":2}'], ["of"]]);
  assert.match(errors[0]?.error.message ?? "", /more than 100000 values/);
});

Deno.test("findExcess() counts values outside of strings alone", () => {
  const valuesOf = (value: unknown): number => {
    if (typeof value !== "object" || value === null) return 1;
    const inner = Object.values(value).map(valuesOf);
    return 1 + inner.reduce((sum, count) => sum + count, 0);
  };
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    const json = encoder.encode(JSON.stringify(value));
    const values = valuesOf(value);
    // An empty object or array counts for one more, which nobody minds.
    assert.equal(findExcess({ levels: Infinity, values: values * 2 }, json), null);
    if (values > 1) assert.equal(findExcess({ levels: Infinity, values: values - 1 }, json), "values");
  }));
});

Deno.test("isDeeperThan() counts brackets outside of strings alone", () => {
  const depthOf = (value: unknown): number =>
    typeof value === "object" && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;
  fc.assert(fc.property(fc.jsonValue(), fc.nat({ max: 5 }), (value, limit) => {
    assert.equal(isDeeperThan(limit, encoder.encode(JSON.stringify(value))), depthOf(value) > limit);
  }));
});
