/**
 * A copy-on-write view of a plugin's storage for a dry run.
 * @module
 */

import { addToJsonNumber } from "../store/json_number.ts";
import { notANumber } from "../store/rows.ts";
import type { PluginStorage } from "../store/store.ts";

/** Reads from `base` what was not written here. Never writes to `base`. */
export function overlayStorage(base: Pick<PluginStorage, "get" | "all" | "size">): PluginStorage {
  const written = new Map<string, string | null>();
  const place = (id: number, key: string) => `${id} ${key}`;

  async function get(id: number, key: string): Promise<string | null> {
    const own = written.get(place(id, key));
    return own === undefined ? await base.get(id, key) : own;
  }

  function put(id: number, key: string, value: string | null): Promise<void> {
    written.set(place(id, key), value);
    return Promise.resolve();
  }

  return {
    get,
    set: put,
    del: (id, key) => put(id, key, null),
    async init(id, key, value) {
      if (await get(id, key) === null) await put(id, key, value);
    },
    async increment(id, key, by) {
      const sum = addToJsonNumber(await get(id, key) ?? "0", by);
      if (sum === null) throw notANumber(key);
      await put(id, key, JSON.stringify(sum));
      return sum;
    },
    async all(id) {
      const all = await base.all(id);
      for (const [at, value] of written) {
        if (!at.startsWith(`${id} `)) continue;
        const key = at.slice(`${id} `.length);
        if (value === null) delete all[key];
        else all[key] = value;
      }
      return all;
    },
    size: (id) => base.size(id),
  };
}
