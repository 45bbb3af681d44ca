/**
 * The cache in memory: what a service without Redis uses.
 * @module
 */

import type { Cache } from "./cache.ts";
import { MemoryTable } from "./memory_table.ts";
import { milliseconds } from "./ttl.ts";

export interface MemoryCacheOptions {
  /** Bytes of keys and values, as estimated. Default 64 MiB. */
  maxBytes?: number;
  now?: () => number;
}

/** Makes an empty cache. What Redis answers with an error is a rejection with the same message. */
export function openMemoryCache(options: MemoryCacheOptions = {}): Cache {
  const table = new MemoryTable(options.maxBytes ?? 64 * 1024 * 1024, options.now ?? Date.now);
  return {
    set: (key, value, ttl) => Promise.try(() => table.set(key, value, ttl === undefined ? ttl : milliseconds(ttl))),
    get: (key) => Promise.try(() => table.get(key)),
    incr: (key) => Promise.try(() => table.incr(key)),
    expire: (key, ttl) => Promise.try(() => table.expire(key, milliseconds(ttl))),
    lpush: (key, elements) => Promise.try(() => table.lpush(key, elements)),
    lrange: (key, start, end) => Promise.try(() => table.lrange(key, start, end)),
    llen: (key) => Promise.try(() => table.llen(key)),
    lrem: (key, count, element) => Promise.try(() => table.lrem(key, count, element)),
    lpop: (key, count) => Promise.try(() => table.lpop(key, count)),
    ping: () => Promise.resolve(true),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
