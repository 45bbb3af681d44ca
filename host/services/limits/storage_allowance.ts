/**
 * Keeps one plugin config's storage within its bound without asking the store for its size at every write.
 * @module
 */

import type { PluginStorage } from "../../store/store.ts";

export interface StorageAllowance {
  /** Rejects with a RangeError when this much more would pass the bound. */
  use(chars: number): Promise<void>;
}

/**
 * Between two looks at the real size every write counts in full, also one that replaces a value, so the count runs ahead of the size; the
 * bound is passed by no more than what is being written at that moment. The store is asked again when the count arrives at the
 * bound, or has grown by a tenth of it.
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
        // Looked at once more before refusing: what was written may have replaced what was there.
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
