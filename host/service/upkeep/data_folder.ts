/**
 * The folder of everything that the service keeps: tokens, events, plugins' storage. Nobody but its owner may look into it, and it says which
 * form it has, so that an older Hogpen does not open what a newer one wrote.
 * @module
 */

import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { BackEndError } from "../../back_end_error.ts";
import { VERSION } from "../../version.ts";

/** The form of the folder as a whole; each database has a version of its schema besides. */
const FORMAT = 1;
const FILE = "format";
/** Is there while a restore is under way. */
export const RESTORING = ".restoring";

/**
 * Creates it when it is missing, and closes it to others either way; what is written into it from now on only its owner can read. Rejects
 * with a BackEndError when a newer Hogpen wrote it, or a restore into it was not finished.
 */
export async function openDataFolder(path: string): Promise<void> {
  // SQLite and the compiler's cache make files of their own: they get what the process lets new files have.
  if (Deno.build.os !== "windows") Deno.umask(0o077);
  await mkdir(path, { recursive: true, mode: 0o700 });
  // A folder that is mounted may belong to somebody else: then it is theirs to close.
  await chmod(path, 0o700).catch(() => {});
  await checkFormat(path);
}

async function checkFormat(path: string): Promise<void> {
  if (await exists(join(path, RESTORING))) {
    throw new BackEndError(
      `Cannot use the data folder ${path}: a restore into it was not finished. Run hogpen restore again, with the same backup`,
    );
  }
  const text = await Deno.readTextFile(join(path, FILE)).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  });
  const [format = "", by = ""] = text?.trim().split(" ") ?? [];
  // Written once, and by the first release to know it in folders that are older. A line that a crash cut off is written again.
  if (format === "") return await Deno.writeTextFile(join(path, FILE), `${FORMAT} ${VERSION}\n`);
  if (Number(format) <= FORMAT) return;
  throw new BackEndError(
    `Cannot use the data folder ${path}: found format ${format} (written by Hogpen ${
      by || "of an unknown version"
    }), expected at most ${FORMAT}; ` +
      `this is Hogpen ${VERSION}. Start the newer one, or restore a backup that this one made`,
  );
}

/** Whether something lies there. */
export async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, (error) => {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  });
}
