/**
 * The folder that holds everything the service keeps: tokens, events, plugins' storage. Only its owner can look into
 * it. It records its format, so that an older Hogpen does not open what a newer one wrote.
 * @module
 */

import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { BackEndError } from "../../back_end_error.ts";
import { exists } from "../../exists.ts";
import { VERSION } from "../../version.ts";

/** The format of the folder as a whole. In addition, each database has a schema version. */
const FORMAT = 1;
const FILE = "format";
/** This file exists while a restore is in progress. */
export const RESTORING = ".restoring";

/**
 * Creates the folder if it is missing, and makes it and everything written into it from now on readable by its owner
 * only. Rejects with a BackEndError if a newer Hogpen wrote the folder, or if a restore into it was not finished.
 */
export async function openDataFolder(path: string): Promise<void> {
  // SQLite and the compiler's cache create files themselves, with the permissions that the process gives new files.
  if (Deno.build.os !== "windows") Deno.umask(0o077);
  await mkdir(path, { recursive: true, mode: 0o700 });
  // A mounted folder may belong to another user, who is then responsible for its permissions.
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
  // Written once; in older folders, by the first release that knows the file. A line that a crash cut off is written
  // again.
  if (format === "") return await Deno.writeTextFile(join(path, FILE), `${FORMAT} ${VERSION}\n`);
  if (Number(format) <= FORMAT) return;
  throw new BackEndError(
    `Cannot use the data folder ${path}: found format ${format} (written by Hogpen ${
      by || "of an unknown version"
    }), expected at most ${FORMAT}; ` +
      `this is Hogpen ${VERSION}. Start the newer one, or restore a backup that this one made`,
  );
}
