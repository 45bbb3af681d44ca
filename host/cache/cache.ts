/**
 * What `meta.cache` stands on: Redis' semantics for strings and lists, in memory or on Redis. Keys are full keys; the
 * caller adds the plugin's namespace. Values are the stored strings; JSON is the caller's matter.
 * @module
 */

export interface Cache extends AsyncDisposable {
  /** A plain set clears an earlier TTL. */
  set(key: string, value: string, ttlSeconds?: number): Promise<void>;
  /** Null when missing. */
  get(key: string): Promise<string | null>;
  /** Rejects when the value is not an integer. A missing key counts as 0. Keeps the TTL. */
  incr(key: string): Promise<number>;
  /** True if the key existed. 0 or less deletes it. */
  expire(key: string, ttlSeconds: number): Promise<boolean>;
  /** Pushed one by one: the last element ends up first. Returns the new length. */
  lpush(key: string, elements: string[]): Promise<number>;
  /** `end` is inclusive; negative counts from the end. */
  lrange(key: string, start: number, end: number): Promise<string[]>;
  llen(key: string): Promise<number>;
  lrem(key: string, count: number, element: string): Promise<number>;
  /** Null when the key is missing. */
  lpop(key: string, count: number): Promise<string[] | null>;
  /** True when it answers; used by /_ready. */
  ping(): Promise<boolean>;
}
