/**
 * Proves that a token bucket allows its burst and then its rate, also for large costs and when the clock goes back.
 */

import assert from "node:assert/strict";
import { createTokenBucket } from "../../host/token_bucket.ts";

Deno.test("createTokenBucket() allows the burst, then the rate", () => {
  let time = 0;
  const bucket = createTokenBucket(10, 20, () => time);
  assert.equal(bucket.waitFor(20), 0);
  bucket.take(20);
  assert.equal(bucket.waitFor(1), 100);
  bucket.take(1);
  assert.equal(bucket.waitFor(1), 200);
  time = 200;
  assert.equal(bucket.waitFor(1), 0);
  time = 100_000;
  bucket.take(20);
  assert.equal(bucket.waitFor(1), 100);
});

Deno.test("createTokenBucket() lets a cost above the burst through when it is full, and owes the rest", () => {
  let time = 0;
  const bucket = createTokenBucket(10, 20, () => time);
  assert.equal(bucket.waitFor(50), 0);
  bucket.take(50);
  assert.equal(bucket.waitFor(1), 3100);
  time = 3100;
  assert.equal(bucket.waitFor(1), 0);
});

Deno.test("createTokenBucket() takes a clock that goes back as one that stands still", () => {
  let time = 1000;
  const bucket = createTokenBucket(10, 10, () => time);
  bucket.take(10);
  time = 0;
  assert.equal(bucket.waitFor(1), 100);
  time = 100;
  assert.equal(bucket.waitFor(1), 0);
});
