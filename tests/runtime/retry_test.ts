/** Proves that the waits between retries are those of PostHog's plugin server and its developer reference. */

import assert from "node:assert/strict";
import {
  EXPORT_EVENTS_RETRIES,
  maxAttempts,
  nextRetryMs,
  ON_EVENT_RETRIES,
  retryDelayMs,
  type RetryTable,
  SETUP_PLUGIN_RETRIES,
} from "../../runtime/retry.ts";

Deno.test("RT-01 nextRetryMs() stays the same with multiplier 1", () => {
  for (const attempt of [1, 2, 3, 4, 5]) assert.equal(nextRetryMs(attempt, 500, 1), 500);
});

Deno.test("RT-02 nextRetryMs() doubles with multiplier 2", () => {
  assert.deepEqual([1, 2, 3, 4, 5].map((attempt) => nextRetryMs(attempt, 4000, 2)), [4000, 8000, 16000, 32000, 64000]);
});

Deno.test("RT-03 nextRetryMs() throws on attempts below 1", () => {
  for (const attempt of [0, -1]) {
    assert.throws(() => nextRetryMs(attempt, 4000, 2), { message: "Attempts are indexed starting with 1" });
  }
});

function waits(table: RetryTable): (number | null)[] {
  return Array.from({ length: maxAttempts(table) }, (_, index) => retryDelayMs(table, index + 1));
}

Deno.test("retryDelayMs() follows the developer reference", () => {
  assert.deepEqual(waits(SETUP_PLUGIN_RETRIES), [5_000, 10_000, 20_000, 40_000, 80_000, null]);
  assert.deepEqual(waits(ON_EVENT_RETRIES), [5_000, 10_000, 20_000, 40_000, 80_000, null]);
  assert.deepEqual(waits(EXPORT_EVENTS_RETRIES), [6_000, 12_000, 24_000, null]);
});
