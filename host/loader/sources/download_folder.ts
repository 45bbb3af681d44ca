/**
 * Archives of plugins that were downloaded, kept on disk: a start needs no network for a version that cannot change,
 * and goes on with the last one when a host of plugins is away.
 * @module
 */

import { createHash } from "node:crypto";
import { join } from "node:path";

export interface DownloadFolder {
  /** The kept archive; null when there is none. */
  read(key: string): Promise<Uint8Array | null>;
  write(key: string, bytes: Uint8Array): Promise<void>;
}

/** A folder that remembers nothing when `path` is null. Made when something is to be written. */
export function downloadFolder(path: string | null): DownloadFolder {
  const fileOf = (key: string) => join(path ?? "", `${createHash("sha256").update(key).digest("hex")}.archive`);
  return {
    read: async (key) => path === null ? null : await Deno.readFile(fileOf(key)).catch(() => null),
    async write(key, bytes) {
      if (path === null) return;
      await Deno.mkdir(path, { recursive: true });
      // By a rename, so that a reader never sees half of it.
      const temporary = `${fileOf(key)}.${crypto.randomUUID()}`;
      await Deno.writeFile(temporary, bytes);
      await Deno.rename(temporary, fileOf(key));
    },
  };
}
