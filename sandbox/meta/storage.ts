/**
 * `meta.storage` and `meta.utils.cursor`: values that last, by key.
 * @module
 */

import type { CallHost } from "./call_host.ts";

/** The storage of one plugin. */
export function createStorage(call: CallHost) {
  return {
    async get(key: unknown, defaultValue?: unknown): Promise<unknown> {
      const text = await call("storage.get", [String(key)]);
      return text === null ? defaultValue : JSON.parse(text);
    },

    /** Undefined deletes the key. */
    async set(key: unknown, value: unknown): Promise<void> {
      const text: unknown = JSON.stringify(value);
      if (typeof text === "string") await call("storage.set", [String(key), text]);
      else await call("storage.del", [String(key)]);
    },

    async del(key: unknown): Promise<void> {
      await call("storage.del", [String(key)]);
    },
  };
}

/** The counters of one plugin, kept in its storage and changed atomically. */
export function createCursor(call: CallHost) {
  return {
    async init(key: unknown, initialValue?: unknown): Promise<void> {
      const value = initialValue || 0;
      if (typeof value !== "number") throw new Error("The cursor's initial value must be a number!");
      await call("cursor.init", [String(key), value]);
    },

    async increment(key: unknown, incrementBy?: unknown): Promise<number> {
      const value = incrementBy || 1;
      if (typeof value !== "number") throw new Error("The incrementBy value must be a number!");
      return await call("cursor.increment", [String(key), value]);
    },
  };
}
