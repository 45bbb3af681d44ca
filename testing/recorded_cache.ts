/**
 * The cache in memory, with a way to see all that is in it.
 * @module
 */

import type { Cache } from "../host/cache/cache.ts";
import { openMemoryCache } from "../host/cache/memory_cache.ts";

export interface RecordedCache {
  cache: Cache;
  /** Every key with its text or list, and the seconds it has left. */
  contents(): Promise<Map<string, { value: string | string[]; ttlLeft: number | null }>>;
}

export function recordCache(now: () => number): RecordedCache {
  const cache = openMemoryCache({ now });
  /** When each key ends; null: never. Keys that are gone from the cache do no harm here. */
  const ends = new Map<string, number | null>();
  const touch = (key: string) => ends.set(key, ends.get(key) ?? null);
  return {
    cache: {
      ...cache,
      [Symbol.asyncDispose]: () => cache[Symbol.asyncDispose](),
      async set(key, value, ttlSeconds) {
        await cache.set(key, value, ttlSeconds);
        ends.set(key, ttlSeconds === undefined ? null : now() + ttlSeconds * 1000);
      },
      incr(key) {
        touch(key);
        return cache.incr(key);
      },
      lpush(key, elements) {
        touch(key);
        return cache.lpush(key, elements);
      },
      async expire(key, ttlSeconds) {
        const existed = await cache.expire(key, ttlSeconds);
        if (existed) ends.set(key, now() + ttlSeconds * 1000);
        return existed;
      },
    },
    async contents() {
      const found = new Map<string, { value: string | string[]; ttlLeft: number | null }>();
      for (const [key, end] of ends) {
        const value = await cache.get(key).catch(() => cache.lrange(key, 0, -1));
        if (value !== null) found.set(key, { value, ttlLeft: end === null ? null : (end - now()) / 1000 });
      }
      return found;
    },
  };
}
