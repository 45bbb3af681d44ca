/** Proves that the memory cache stays within its bound in bytes by evicting the keys that were least recently used. */

import assert from "node:assert/strict";
import { openMemoryCache } from "../../../host/cache/memory_cache.ts";
import { testCache } from "./cache_suite.ts";

testCache("memory cache", () => {
  let now = 0;
  const cache = openMemoryCache({ now: () => now });
  return Promise.resolve({
    cache,
    pass: (ms) => Promise.resolve(void (now += ms)),
    [Symbol.asyncDispose]: () => cache[Symbol.asyncDispose](),
  });
});

Deno.test("memory cache: what was not used for longest makes room", async () => {
  await using cache = openMemoryCache({ maxBytes: 3000 });
  const value = "x".repeat(400);
  for (const key of ["a", "b", "c"]) await cache.set(key, value);
  await cache.get("a");
  await cache.set("d", value);
  assert.deepEqual([await cache.get("a"), await cache.get("b"), await cache.get("c")], [value, null, value]);
});

Deno.test("memory cache: a list that grows makes room too", async () => {
  await using cache = openMemoryCache({ maxBytes: 4000 });
  await cache.set("a", "x".repeat(400));
  await cache.lpush("list", ["x".repeat(400)]);
  await cache.lpush("list", ["x".repeat(400), "x".repeat(400)]);
  await cache.lpush("list", ["x".repeat(400)]);
  assert.equal(await cache.get("a"), null);
  assert.equal(await cache.llen("list"), 4);
  await assert.rejects(cache.lpush("list", ["x".repeat(400)]), { message: /^OOM command not allowed/ });
  assert.equal(await cache.llen("list"), 4);
});

Deno.test("memory cache: a value larger than the bound is refused and others stay", async () => {
  await using cache = openMemoryCache({ maxBytes: 4000 });
  await cache.set("a", "1");
  await assert.rejects(cache.set("b", "x".repeat(4000)), { message: /^OOM command not allowed/ });
  assert.equal(await cache.get("a"), "1");
});

Deno.test("memory cache: the bound holds however keys come, grow and go", async () => {
  await using cache = openMemoryCache({ maxBytes: 100_000 });
  for (let i = 0; i < 2000; i++) {
    await cache.set(`text${i % 150}`, "x".repeat(i % 500));
    await cache.lpush(`list${i % 70}`, [String(i), "y".repeat(i % 100)]);
    if (i % 3 === 0) await cache.lpop(`list${i % 50}`, 2);
    if (i % 7 === 0) await cache.expire(`text${i % 90}`, 0);
  }
  // Were the bytes of what went miscounted, little or nothing would fit any more.
  for (let i = 0; i < 100; i++) await cache.set(`last${i}`, "z".repeat(200));
  for (let i = 0; i < 100; i++) assert.equal((await cache.get(`last${i}`))?.length, 200);
});
