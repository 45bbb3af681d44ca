/** Proves, with generated commands, that the memory cache answers exactly as a real Redis does. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { Redis } from "ioredis";
import type { Cache } from "../../../host/cache/cache.ts";
import { openMemoryCache } from "../../../host/cache/memory_cache.ts";
import { openRedisCache } from "../../../host/cache/redis_cache.ts";
import { startRedis } from "../../kit/servers/redis.ts";

type Command = (cache: Cache) => Promise<unknown>;

const key = fc.constantFrom("a", "b", "c");
const element = fc.oneof(
  fc.constantFrom("x", "y", "1", "007", "-5", "9223372036854775807", ""),
  fc.string({ unit: "binary", maxLength: 8 }),
);
// Times to live are either over at once or never in a test; what lies between is another test's matter.
const ttl = fc.constantFrom(undefined, 1000, 0, -1, NaN);
const index = fc.oneof(fc.integer({ min: -6, max: 6 }), fc.constantFrom(0.5, NaN, Infinity, 1e30, -1e30, 2 ** 53));

const command = fc.oneof(
  fc.tuple(fc.constant("set" as const), key, element, ttl),
  fc.tuple(fc.constant("get" as const), key),
  fc.tuple(fc.constant("incr" as const), key),
  fc.tuple(fc.constant("expire" as const), key, fc.constantFrom(1000, 0, -1, NaN)),
  fc.tuple(fc.constant("lpush" as const), key, fc.array(element, { maxLength: 5 })),
  fc.tuple(fc.constant("lrange" as const), key, index, index),
  fc.tuple(fc.constant("llen" as const), key),
  fc.tuple(fc.constant("lrem" as const), key, index, element),
  fc.tuple(fc.constant("lpop" as const), key, fc.oneof(fc.integer({ min: -1, max: 4 }), fc.constantFrom(1.5, NaN))),
);

function run([name, ...args]: [keyof Cache & string, ...unknown[]]): Command {
  return (cache) => (cache[name] as (...args: unknown[]) => Promise<unknown>)(...args);
}

/** The answer, or the error in words. */
async function answerOf(cache: Cache, command: Command): Promise<unknown> {
  try {
    return await command(cache);
  } catch (error) {
    assert(error instanceof Error);
    return `${error.name}: ${error.message}`;
  }
}

Deno.test("the memory cache answers any sequence of commands as Redis does", async () => {
  await using server = await startRedis();
  await using redis = await openRedisCache(server.url, { waitMs: 20_000 });
  const admin = new Redis(server.url);
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 40 }), async (commands) => {
        await admin.flushall();
        await using memory = openMemoryCache();
        for (const given of commands) {
          const expected = await answerOf(redis, run(given));
          assert.deepEqual(await answerOf(memory, run(given)), expected, JSON.stringify(given));
        }
      }),
      { numRuns: 200 },
    );
  } finally {
    await admin.quit();
  }
});
