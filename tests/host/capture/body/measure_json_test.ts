/**
 * Proves that the size of a JSON body is measured correctly before it is parsed, and that excessive bodies are refused.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { CaptureError } from "../../../../host/capture/capture_error.ts";
import { BodyMeter, MAX_EVENTS, measureJson } from "../../../../host/capture/body/measure_json.ts";
import { parseAround, UnparsedEvents } from "../../../../host/capture/body/sent_events.ts";

async function refused(text: string, maxEvents: number, maxValues?: number): Promise<boolean> {
  try {
    await measureJson(text, maxEvents, maxValues);
    return false;
  } catch (error) {
    assert.ok(error instanceof CaptureError);
    // 400: the brackets do not match.
    return error.status === 413;
  }
}

Deno.test("measureJson() counts the elements of the whole, or of a field of it, as events", async () => {
  // An array in which commas are not what separates the elements alone.
  const element = fc.jsonValue();
  await fc.assert(fc.asyncProperty(fc.array(element, { minLength: 1, maxLength: 30 }), async (events) => {
    for (const whole of [events, { api_key: "a,[", batch: events, sent_at: "]" }]) {
      const text = JSON.stringify(whole);
      assert.equal(await refused(text, events.length), false, text);
      assert.equal(await refused(text, events.length - 1), true, text);
    }
  }));
});

Deno.test("measureJson() refuses more values than the bound, wherever they are", async () => {
  for (
    const text of ['{"event":"e","properties":{"a":[' + "0,".repeat(5000) + "0]}}", "[".repeat(5000), "{".repeat(5000)]
  ) {
    assert.equal(await refused(text, MAX_EVENTS, 1000), true);
    assert.equal(await refused(text, MAX_EVENTS, 10_000), false);
  }
});

Deno.test("measureJson() leaves what is no JSON to its parser, but for what cannot be complete", async () => {
  await fc.assert(fc.asyncProperty(fc.string({ unit: fc.constantFrom(...'[]{},:"\\a1') }), async (text) => {
    try {
      await measureJson(text);
    } catch (error) {
      assert.equal((error as CaptureError).status, 400);
      assert.throws(() => JSON.parse(text));
    }
  }));
});

/** What a large body becomes, with its events in a plain array. */
function parsedInParts(text: string): unknown {
  const bytes = new TextEncoder().encode(text);
  const meter = new BodyMeter();
  // Pieces that end in the middle of strings and characters.
  for (let from = 0; from < bytes.length; from += 7) meter.look(bytes.subarray(from, from + 7));
  const spans = meter.end();
  if (spans === null) return JSON.parse(text);
  const data = parseAround(spans, (from, to) => new TextDecoder().decode(bytes.subarray(from, to)), bytes.length);
  if (data instanceof UnparsedEvents) return [...data];
  const { batch } = data as { batch: unknown };
  return batch instanceof UnparsedEvents ? { ...data as object, batch: [...batch] } : data;
}

Deno.test("events that are parsed one by one are those that JSON.parse gives", () => {
  const spaces = fc.constantFrom(undefined, 1, "\t");
  fc.assert(
    fc.property(
      fc.array(fc.jsonValue(), { maxLength: 30 }),
      fc.jsonValue(),
      spaces,
      (events, other, space) => {
        for (
          const whole of [events, { other, batch: events, last: other }, { batch: other }, { api_key: "batch", other }]
        ) {
          const text = ` ${JSON.stringify(whole, null, space)}`;
          assert.deepEqual(parsedInParts(text), JSON.parse(text));
        }
      },
    ),
  );
  for (const text of ['{"b\\u0061tch":[1,2]}', '{"batch":[1,2],"batch":[3]}', '{"batch":[1,2],"batch":7}', "[ ]"]) {
    assert.deepEqual(parsedInParts(text), JSON.parse(text), text);
  }
  for (
    const text of ["[1,,2]", "[1,2,]", "[1 2]", "[1}", '{"batch":[1]', "[1]]", '{"batch":[{]}', "[1],[2]", "{}[1]"]
  ) {
    assert.throws(() => parsedInParts(text), { name: "CaptureError" }, text);
  }
});
