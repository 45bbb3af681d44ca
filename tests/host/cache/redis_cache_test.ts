/**
 * Proves that the Redis cache rejects or waits as configured while Redis is down or hangs, and recovers by itself. It
 * waits 300 real milliseconds after a kill, so that the client has noticed the lost connection.
 */

import assert from "node:assert/strict";
import { delay } from "../../kit/delay.ts";
import { Redis } from "ioredis";
import { CacheUnavailableError, openRedisCache } from "../../../host/cache/redis_cache.ts";
import { startRedis } from "../../kit/servers/redis.ts";
import type { PrivateServer } from "../../kit/servers/server_process.ts";
import { testCache } from "./cache_suite.ts";

let server: PrivateServer;
Deno.test.beforeAll(async () => {
  server = await startRedis();
});
Deno.test.afterAll(async () => await server[Symbol.asyncDispose]());

testCache("redis cache", async () => {
  const admin = new Redis(server.url);
  await admin.flushall();
  await admin.quit();
  const cache = await openRedisCache(server.url, { waitMs: 20_000 });
  return { cache, pass: delay, [Symbol.asyncDispose]: () => cache[Symbol.asyncDispose]() };
});

Deno.test("redis cache: calls reject in words while Redis is away and work again by themselves", async () => {
  await using redis = await startRedis();
  await using cache = await openRedisCache(redis.url, { waitMs: 1500 });
  await cache.set("k", "1");
  await redis.kill();
  const started = Date.now();
  await assert.rejects(cache.incr("k"), (error) => {
    assert(error instanceof CacheUnavailableError);
    assert.match(error.message, new RegExp(`^Cannot use the cache: Redis at 127.0.0.1:${redis.port}: `));
    return true;
  });
  await assert.rejects(cache.incr("k"), CacheUnavailableError);
  assert(Date.now() - started < 30_000);
  assert.equal(await cache.ping(), false);
  await redis.start();
  while (!await cache.ping()) await delay(20);
  // The calls that were refused must not have been kept for later.
  assert.equal(await cache.incr("k"), 2);
});

Deno.test("redis cache: a call made in a short outage waits for it to end", async () => {
  await using redis = await startRedis();
  await using cache = await openRedisCache(redis.url, { waitMs: 20_000 });
  await cache.set("k", "1");
  await redis.kill();
  // What is under way when the connection ends rejects; what comes after it waits.
  await delay(300);
  const [answer] = await Promise.all([cache.get("k"), redis.start()]);
  assert.equal(answer, "1");
});

Deno.test("redis cache: a Redis that hangs is as good as away", async () => {
  await using redis = await startRedis();
  await using cache = await openRedisCache(redis.url, { waitMs: 1500 });
  await cache.set("k", "1");
  Deno.kill(redis.pid, "SIGSTOP");
  await assert.rejects(cache.get("k"), CacheUnavailableError);
  Deno.kill(redis.pid, "SIGCONT");
  while (!await cache.ping()) await delay(20);
  assert.equal(await cache.get("k"), "1");
});

Deno.test("redis cache: calls beyond the bound reject at once while Redis is away", async () => {
  await using redis = await startRedis();
  await using cache = await openRedisCache(redis.url, { waitMs: 60_000, maxWaiting: 2 });
  await cache.set("k", "1");
  await redis.kill();
  await delay(300);
  const waiting = [cache.get("k"), cache.get("k")];
  await assert.rejects(cache.get("k"), CacheUnavailableError);
  await redis.start();
  assert.deepEqual(await Promise.all(waiting), ["1", "1"]);
});

Deno.test("openRedisCache() opens while Redis is away", async () => {
  await using redis = await startRedis();
  await redis.kill();
  await using cache = await openRedisCache(redis.url, { waitMs: 20_000 });
  const [answer] = await Promise.all([cache.incr("fresh"), redis.start()]);
  assert.equal(answer, 1);
});

Deno.test("openRedisCache() refuses what is no address of a Redis", async () => {
  await assert.rejects(openRedisCache("localhost:6379"), {
    name: "BackEndError",
    message: /^Cannot connect to Redis: expected/,
  });
});
