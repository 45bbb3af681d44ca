/**
 * The cache on Redis. While Redis is away a call waits a moment for it to come back, then rejects; nothing is queued
 * for later, since a plugin that has been told of a failure must not see its call take effect afterwards.
 * @module
 */

import { Redis } from "ioredis";
import { BackEndError } from "../back_end_error.ts";
import type { Cache } from "./cache.ts";
import { milliseconds } from "./ttl.ts";

export interface RedisCacheOptions {
  /** How long a call waits for Redis, to come back or to answer. Default 1 s. */
  waitMs?: number;
  /** Most calls that wait for Redis to come back; further ones reject at once. Default 10,000. */
  maxWaiting?: number;
}

/** Redis did not answer: away, hung, or refusing us. */
export class CacheUnavailableError extends Error {
  override name = "CacheUnavailableError";
}

/** Connects in the background: resolves also when Redis is away, and calls work as soon as it is there. */
export function openRedisCache(url: string, options: RedisCacheOptions = {}): Promise<Cache> {
  return Promise.try(() => new RedisCache(checkUrl(url), options));
}

/** How the client's error begins when a command found no connection to be written to. */
const NOT_SENT = "Stream isn't writeable";

class RedisCache implements Cache {
  readonly #redis: Redis;
  readonly #address: string;
  readonly #waitMs: number;
  readonly #maxWaiting: number;
  readonly #waiting = new Set<(ready: boolean) => void>();
  #lastError = "it did not answer";
  #closed = false;

  constructor(url: URL, { waitMs = 1000, maxWaiting = 10_000 }: RedisCacheOptions) {
    this.#address = url.host;
    this.#waitMs = waitMs;
    this.#maxWaiting = maxWaiting;
    this.#redis = new Redis(url.href, {
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      // Ends a connection that does not answer; its calls reject, and a new one is made.
      socketTimeout: waitMs,
      connectTimeout: 5_000,
      retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 5), 1000),
    });
    this.#redis.on("error", (error: Error) => this.#lastError = error.message);
    this.#redis.on("ready", () => this.#release(true));
  }

  async set(key: string, value: string, ttlSeconds?: number): Promise<void> {
    await this.#run((redis) =>
      ttlSeconds === undefined ? redis.set(key, value) : redis.set(key, value, "PX", milliseconds(ttlSeconds))
    );
  }

  get(key: string): Promise<string | null> {
    return this.#run((redis) => redis.get(key));
  }

  incr(key: string): Promise<number> {
    return this.#run((redis) => redis.incr(key));
  }

  async expire(key: string, ttlSeconds: number): Promise<boolean> {
    return await this.#run((redis) => redis.pexpire(key, milliseconds(ttlSeconds))) === 1;
  }

  lpush(key: string, elements: string[]): Promise<number> {
    return this.#run((redis) => redis.lpush(key, ...elements));
  }

  lrange(key: string, start: number, end: number): Promise<string[]> {
    return this.#run((redis) => redis.lrange(key, start, end));
  }

  llen(key: string): Promise<number> {
    return this.#run((redis) => redis.llen(key));
  }

  lrem(key: string, count: number, element: string): Promise<number> {
    return this.#run((redis) => redis.lrem(key, count, element));
  }

  lpop(key: string, count: number): Promise<string[] | null> {
    return this.#run((redis) => redis.lpop(key, count));
  }

  ping(): Promise<boolean> {
    return this.#run((redis) => redis.ping()).then(() => true, () => false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#release(false);
    const ended = new Promise<void>((resolve) => this.#redis.once("end", resolve));
    if (this.#redis.status === "end") return;
    this.#redis.disconnect();
    await ended;
  }

  async #run<T>(command: (redis: Redis) => Promise<T>): Promise<T> {
    if (this.#redis.status !== "ready") await this.#waitUntilReady();
    try {
      return await command(this.#redis);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      // Redis' own answers reach the plugin as they are.
      if (error instanceof Error && error.name === "ReplyError") throw error;
      if (!message.startsWith(NOT_SENT)) throw this.#unavailable(this.#lastError, error);
    }
    // The connection was lost just before, so the command never left: the next connection may have it.
    await this.#waitUntilReady();
    return await command(this.#redis).catch((error) => {
      throw error instanceof Error && error.name === "ReplyError" ? error : this.#unavailable(this.#lastError, error);
    });
  }

  /** Waits for the next time that the connection becomes ready. */
  async #waitUntilReady(): Promise<void> {
    if (this.#closed) throw this.#unavailable("the cache is closed");
    if (this.#waiting.size >= this.#maxWaiting) throw this.#unavailable(this.#lastError);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#waiting.add(resolve);
    const timer = setTimeout(resolve, this.#waitMs, false);
    const ready = await promise;
    clearTimeout(timer);
    this.#waiting.delete(resolve);
    if (!ready) throw this.#unavailable(this.#lastError);
  }

  #release(ready: boolean): void {
    for (const resolve of this.#waiting) resolve(ready);
  }

  #unavailable(found: string, cause?: unknown): CacheUnavailableError {
    const options = cause === undefined ? undefined : { cause };
    return new CacheUnavailableError(`Cannot use the cache: Redis at ${this.#address}: ${found}`, options);
  }
}

/** The address without its password goes into messages, so it is taken apart here. */
function checkUrl(text: string): URL {
  const url = URL.parse(text);
  if (url && (url.protocol === "redis:" || url.protocol === "rediss:") && url.hostname) return url;
  throw new BackEndError("Cannot connect to Redis: expected an address like redis://host:6379 in REDIS_URL");
}
