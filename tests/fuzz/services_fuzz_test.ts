/**
 * Proves that whatever a plugin asks of a service, it gets an answer or an error that speaks of its arguments or of a
 * bound: never one that comes from the inside of the host, and never one that shows a path or a statement of it.
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { SERVICES } from "../../runtime/protocol.ts";
import { openTestServices } from "../../testing/plugin_services.ts";
import { fuzzRuns, jsonWith } from "../kit/fuzz.ts";

/**
 * What a plugin may be told: wrong arguments, a bound, what Redis says of a wrong type, posthog.api without a PostHog.
 */
const EXPECTED = new Set(["TypeError", "RangeError", "ServiceLimitError", "ReplyError", "ApiError", "Error"]);
const INSIDE = /sqlite|\bSQL|node:|\.ts\b|undefined is not|is not a function|Cannot read propert|\/(tmp|home|work)\//i;

const value = jsonWith(["timestamp", "distinct_id", "$set", "host", "path", "method", "body", "headers"], [
  "key",
  1.5,
  {},
  [],
]);
const args = fc.oneof(
  fc.array(value, { maxLength: 4 }),
  fc.tuple(fc.constantFrom("key", "list", "cursor"), value),
  fc.tuple(fc.constantFrom("key", "list", "cursor"), fc.integer(), fc.integer()),
  fc.tuple(fc.string({ unit: "binary" }), value, fc.oneof(fc.double(), fc.maxSafeInteger())),
);

Deno.test("services answer, or refuse in words about what was asked", async () => {
  await using services = await openTestServices({ jobsOutstanding: 1e9, capturesWithoutCause: 1e9 });
  const answered = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...SERVICES), args, async (name, given) => {
      services.time += 60_000;
      try {
        const answer = await services.call(name, given);
        assert.doesNotThrow(() => JSON.stringify(answer));
        answered.add(name);
      } catch (error) {
        assert.ok(error instanceof Error);
        assert.ok(EXPECTED.has(error.name), `${error.name}: ${error.message}`);
        assert.doesNotMatch(error.message, INSIDE);
      }
    }),
    { numRuns: fuzzRuns(2000) },
  );
  assert.ok(answered.size > SERVICES.length / 2, `only ${[...answered]} ever answered`);
});
