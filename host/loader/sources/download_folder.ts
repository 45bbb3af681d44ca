/**
 * Keeps downloaded plugin archives on disk. A start needs no network for a version that cannot change, and uses the
 * last download when a plugin host is unavailable.
 * @module
 */

import { createHash } from "node:crypto";
import { join } from "node:path";

export interface DownloadFolder {
  /** The kept archive; null when there is none. */
  read(key: string): Promise<Uint8Array | null>;
  write(key: string, bytes: Uint8Array): Promise<void>;
}

/** Created when something is first written. Nothing is kept when `path` is null. */
export function downloadFolder(path: string | null): DownloadFolder {
  const fileOf = (key: string) => join(path ?? "", `${createHash("sha256").update(key).digest("hex")}.archive`);
  return {
    read: async (key) => path === null ? null : await Deno.readFile(fileOf(key)).catch(() => null),
    async write(key, bytes) {
      if (path === null) return;
      await Deno.mkdir(path, { recursive: true });
      // Written by a rename, so that a reader never sees an incomplete file.
      const temporary = `${fileOf(key)}.${crypto.randomUUID()}`;
      await Deno.writeFile(temporary, bytes);
      await Deno.rename(temporary, fileOf(key));
    },
  };
}
