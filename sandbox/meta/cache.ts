/**
 * `meta.cache`: values shared by all runs of a plugin, with a time to live.
 * @module
 */

import { IllegalOperationError } from "../../runtime/errors.ts";
import type { CallHost } from "./call_host.ts";

const MAX_PUSHED = 1000;

interface JsonOption {
  jsonSerialize?: boolean;
}

function isJson(options: JsonOption | undefined): boolean {
  return options?.jsonSerialize ?? true;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The cache of one plugin. */
export function createCache(call: CallHost) {
  return {
    async set(key: unknown, value: unknown, ttlSeconds?: unknown, options?: JsonOption): Promise<void> {
      // Plugins clear a key by setting it to undefined.
      const text: unknown = isJson(options) ? JSON.stringify(value) ?? null : value ?? null;
      if (typeof text !== "string" && text !== null) {
        throw new TypeError(
          `Cannot set cache key '${key}': expected a string with jsonSerialize: false, found ${typeof value}`,
        );
      }
      const ttl = Number(ttlSeconds) || null;
      await call("cache.set", [String(key), text, ttl]);
    },

    async get(key: unknown, defaultValue?: unknown, options?: JsonOption): Promise<unknown> {
      const json = isJson(options);
      const text = await call("cache.get", [String(key)]);
      if (text === null) return defaultValue;
      return json ? parse(text) : text;
    },

    async incr(key: unknown): Promise<number> {
      return await call("cache.incr", [String(key)]);
    },

    async expire(key: unknown, ttlSeconds: unknown): Promise<boolean> {
      return await call("cache.expire", [String(key), Number(ttlSeconds)]);
    },

    async lpush(key: unknown, elementOrArray: unknown): Promise<number> {
      if (typeof elementOrArray !== "string" && !Array.isArray(elementOrArray)) {
        throw new Error("cache.lpush expects a string value or an array of strings");
      }
      const elements: unknown[] = typeof elementOrArray === "string" ? [elementOrArray] : elementOrArray;
      if (elements.length > MAX_PUSHED) {
        throw new IllegalOperationError(`Too many elements in array for cache.lpush. Maximum: ${MAX_PUSHED}`);
      }
      return await call("cache.lpush", [String(key), elements.map(String)]);
    },

    async lrange(key: unknown, start: unknown, end: unknown): Promise<string[]> {
      if (typeof start !== "number" || typeof end !== "number") {
        throw new Error("cache.lrange expects a number for the start and end indexes");
      }
      return await call("cache.lrange", [String(key), start, end]);
    },

    async llen(key: unknown): Promise<number> {
      return await call("cache.llen", [String(key)]);
    },

    async lrem(key: unknown, count: unknown, element: unknown): Promise<number> {
      if (typeof count !== "number") throw new Error('cache.lrem expects a number for the "count" argument');
      return await call("cache.lrem", [String(key), count, String(element)]);
    },

    async lpop(key: unknown, count: unknown): Promise<string[] | null> {
      if (typeof count !== "number") throw new Error('cache.lpop expects a number for the "count" argument');
      return await call("cache.lpop", [String(key), count]);
    },
  };
}
