/**
 * Proves that projects and addresses may send as much as is set, with bursts, and that more is answered with 429, says
 * when to come again, and takes nothing from anybody.
 */

import assert from "node:assert/strict";
import { createRateLimits, type RateLimitOptions } from "../../../../host/capture/limits/rate_limits.ts";
import { startCaptureService, TOKEN } from "../../../kit/capture_service.ts";

const NONE = { events: null, bytes: null };

function limitsAt(options: Partial<RateLimitOptions>) {
  const clock = { now: 0 };
  const limits = createRateLimits({ project: NONE, address: NONE, burstSeconds: 10, now: () => clock.now, ...options });
  return { clock, limits };
}

const refused = (retryAfterSeconds: number, message: RegExp) => ({ status: 429, message, retryAfterSeconds });

Deno.test("without limits everybody sends what they like", () => {
  const { limits } = limitsAt({});
  assert.doesNotThrow(() => {
    limits.checkAddress("1.1.1.1");
    limits.take(1, "1.1.1.1", 1e9, 1e12);
    limits.take(1, "1.1.1.1", 1e9, 1e12);
  });
});

Deno.test("a project sends its burst, then its rate, and other projects are not touched", () => {
  const { clock, limits } = limitsAt({ project: { events: 10, bytes: null } });
  limits.take(1, "a", 100, 0);
  assert.throws(() => limits.take(1, "b", 1, 0), refused(1, /This project/));
  limits.take(2, "b", 100, 0);
  clock.now = 1000;
  limits.take(1, "b", 10, 0);
  assert.throws(() => limits.take(1, "b", 1, 0), refused(1, /This project/));
});

Deno.test("bytes are bounded like events, and Retry-After says when there is room", () => {
  const { clock, limits } = limitsAt({ project: { events: null, bytes: 1000 } });
  limits.take(1, "a", 1, 10_000);
  assert.throws(() => limits.take(1, "a", 1, 5_000), refused(5, /This project/));
  clock.now = 5000;
  assert.doesNotThrow(() => limits.take(1, "a", 1, 5_000));
});

Deno.test("a request above the burst passes after a pause, and what it owes is waited for", () => {
  const { clock, limits } = limitsAt({ address: { events: 1, bytes: null } });
  limits.take(1, "a", 30, 0);
  assert.throws(() => limits.checkAddress("a"), refused(21, /This address/));
  limits.checkAddress("b");
  clock.now = 21_000;
  assert.doesNotThrow(() => limits.checkAddress("a"));
});

Deno.test("what one bound refuses is not taken from the other", () => {
  const { limits } = limitsAt({ project: { events: 1, bytes: null }, address: { events: 100, bytes: null } });
  limits.take(1, "a", 10, 0);
  for (let times = 0; times < 200; times++) {
    assert.throws(() => limits.take(1, "a", 10, 0), refused(10, /This project/));
  }
  assert.doesNotThrow(() => limits.take(2, "a", 10, 0));
});

Deno.test("capture, old and new, answers 429 with Retry-After, and stores nothing of the request", async () => {
  const rateLimits = createRateLimits({
    project: { events: 1, bytes: null },
    address: NONE,
    burstSeconds: 2,
    now: () => 0,
  });
  await using service = await startCaptureService(undefined, { rateLimits });
  const event = { event: "hello", distinct_id: "me", uuid: "0192f0c1-2d3e-7000-8000-000000000001", properties: {} };
  const first = await service.post("/batch", { api_key: TOKEN, batch: [event, event] });
  assert.equal(first.status, 200);
  const second = await service.post("/capture", { api_key: TOKEN, ...event }, { origin: "https://shop.example" });
  assert.equal(second.status, 429);
  assert.equal(second.headers.get("retry-after"), "1");
  assert.equal(second.headers.get("access-control-allow-origin"), "https://shop.example");
  const { type, code } = await second.json();
  assert.deepEqual([type, code], ["throttled_error", "rate_limit_exceeded"]);
  const third = await service.post("/i/v1/analytics/events", { batch: [event] }, { authorization: `Bearer ${TOKEN}` });
  assert.equal(third.status, 429);
  assert.equal((await third.json()).error, "rate_limit_exceeded");
  assert.equal((await service.log.read("inbox", 1, "", { maxEvents: 10, maxBytes: 10_000 })).length, 2);
});
