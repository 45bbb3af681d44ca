import assert from "node:assert/strict";
import fc from "fast-check";
import { CaptureError } from "../../../../host/capture/capture_error.ts";
import { MAX_EVENTS, measureJson } from "../../../../host/capture/body/measure_json.ts";

async function refused(text: string, maxEvents: number, maxValues?: number): Promise<boolean> {
  try {
    await measureJson(text, maxEvents, maxValues);
    return false;
  } catch (error) {
    assert.ok(error instanceof CaptureError);
    assert.equal(error.status, 413);
    return true;
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

Deno.test("measureJson() leaves what is no JSON to its parser", async () => {
  await fc.assert(fc.asyncProperty(fc.string({ unit: fc.constantFrom(...'[]{},:"\\a1') }), async (text) => {
    await measureJson(text);
  }));
});
