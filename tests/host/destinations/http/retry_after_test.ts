/** Proves that `Retry-After` is read as seconds or as a date, and never waits for more than a day. */

import assert from "node:assert/strict";
import { parseRetryAfter } from "../../../../host/destinations/http/retry_after.ts";

const NOW = Date.parse("2026-03-01T12:00:00Z");

Deno.test("parseRetryAfter() takes seconds and HTTP dates", () => {
  assert.equal(parseRetryAfter("7", NOW), 7_000);
  assert.equal(parseRetryAfter(" 0 ", NOW), 0);
  assert.equal(parseRetryAfter("Sun, 01 Mar 2026 12:01:00 GMT", NOW), 60_000);
  assert.equal(parseRetryAfter("Sun, 01 Mar 2026 11:00:00 GMT", NOW), 0);
});

Deno.test("parseRetryAfter() gives nothing for a senseless value, and a day at most", () => {
  for (const value of [null, "", "soon", "-5", "1e9"]) assert.equal(parseRetryAfter(value, NOW), undefined);
  assert.equal(parseRetryAfter("99999999", NOW), 86_400_000);
  assert.equal(parseRetryAfter("Sun, 01 Mar 2099 12:00:00 GMT", NOW), 86_400_000);
});
