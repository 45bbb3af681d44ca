/**
 * Keeps one plugin config's storage within its limit without asking the store for its size at every write.
 * @module
 */

import type { PluginStorage } from "../../store/store.ts";

export interface StorageAllowance {
  /** Rejects with a RangeError when this many more characters would exceed the limit. */
  use(chars: number): Promise<void>;
}

/**
 * Between two checks of the real size every write counts in full, even one that replaces a value, so the count runs
 * ahead of the size. The limit is exceeded by no more than the writes in flight. The store is asked again when the
 * count reaches the limit or has grown by a tenth of it.
 */
export function createStorageAllowance(
  storage: PluginStorage,
  pluginConfigId: number,
  bound: number,
): StorageAllowance {
  let known: Promise<number> | null = null;
  let written = 0;

  return {
    async use(chars) {
      written += chars;
      if (known === null) known = storage.size(pluginConfigId);
      else if (written > bound / 10) {
        written = chars;
        known = storage.size(pluginConfigId);
      }
      const size = await known.catch((error) => {
        known = null;
        throw error;
      });
      if (size + written > bound) {
        // Checked once more before refusing, because writes may have replaced earlier values.
        written = chars;
        known = null;
        if (await storage.size(pluginConfigId) + chars > bound) {
          throw new RangeError(
            `Cannot store a value: this plugin's storage holds its ${bound} characters; delete keys first`,
          );
        }
      }
    },
  };
}
