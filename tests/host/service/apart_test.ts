import assert from "node:assert/strict";
import { createApart } from "../../../host/service/apart.ts";

const DAY_MS = 24 * 60 * 60_000;

Deno.test("createApart() keeps a plugin apart for a day, or until it is released", () => {
  let now = 1_000;
  let moved = 0;
  const apart = createApart({ now: () => now, onMoved: () => moved++ });
  apart.move([1, 2], "it hung");
  assert.deepEqual([moved, apart.reasonOf(1), apart.reasonOf(3)], [1, "it hung", null]);
  assert.deepEqual([apart.release(1), apart.release(1), apart.reasonOf(1)], [true, false, null]);
  now += DAY_MS - 1;
  assert.deepEqual([apart.expire(), apart.reasonOf(2)], [false, "it hung"]);
  now += 1;
  assert.deepEqual([apart.expire(), apart.reasonOf(2), apart.expire()], [true, null, false]);
});
