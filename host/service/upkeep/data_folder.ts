/**
 * The folder of everything that the service keeps: tokens, events, plugins' storage. Nobody but its owner may look into it.
 * @module
 */

import { chmod, mkdir } from "node:fs/promises";

/** Creates it when it is missing, and closes it to others either way; what is written into it from now on only its owner can read. */
export async function openDataFolder(path: string): Promise<void> {
  // SQLite and the compiler's cache make files of their own: they get what the process lets new files have.
  if (Deno.build.os !== "windows") Deno.umask(0o077);
  await mkdir(path, { recursive: true, mode: 0o700 });
  // A folder that is mounted may belong to somebody else: then it is theirs to close.
  await chmod(path, 0o700).catch(() => {});
}
