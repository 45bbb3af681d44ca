/**
 * A copy-on-write view of the plugins' cache for a dry run: a value is copied before it is changed, so the real cache
 * stays as it is.
 * @module
 */

import type { Cache } from "../cache/cache.ts";

/** The remaining lifetime of a copied value is unknown, so it lives as long as the dry run. */
export function overlayCache(base: Pick<Cache, "get" | "lrange">, own: Cache): Cache {
  const copied = new Set<string>();

  async function copy(key: string): Promise<void> {
    if (copied.has(key)) return;
    copied.add(key);
    // A key holds either a text or a list, and reading it as the wrong one rejects.
    const text = await base.get(key).catch(() => null);
    if (text !== null) return await own.set(key, text);
    const list = await base.lrange(key, 0, -1).catch(() => []);
    if (list.length > 0) await own.lpush(key, list.toReversed());
  }

  async function on<T>(key: string, action: () => Promise<T>): Promise<T> {
    await copy(key);
    return await action();
  }

  return {
    set(key, value, ttlSeconds) {
      copied.add(key);
      return own.set(key, value, ttlSeconds);
    },
    get: (key) => on(key, () => own.get(key)),
    incr: (key) => on(key, () => own.incr(key)),
    expire: (key, ttlSeconds) => on(key, () => own.expire(key, ttlSeconds)),
    lpush: (key, elements) => on(key, () => own.lpush(key, elements)),
    lrange: (key, start, end) => on(key, () => own.lrange(key, start, end)),
    llen: (key) => on(key, () => own.llen(key)),
    lrem: (key, count, element) => on(key, () => own.lrem(key, count, element)),
    lpop: (key, count) => on(key, () => own.lpop(key, count)),
    ping: () => own.ping(),
    [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
  };
}
