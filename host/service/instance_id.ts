/**
 * Identifies this host among those that share a store. The id survives a restart, so that the host can take back the
 * work that it was doing when it died.
 * @module
 */

import { join } from "node:path";

/** The name of the file in the data folder. */
const FILE = "instance_id";

/**
 * The id of the host with this data folder; created at the first start. Only one host at a time has the folder open.
 */
export async function loadInstanceId(dataFolder: string): Promise<string> {
  const path = join(dataFolder, FILE);
  try {
    const kept = (await Deno.readTextFile(path)).trim();
    if (kept !== "") return kept;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const made = crypto.randomUUID();
  await Deno.writeTextFile(path, `${made}\n`);
  return made;
}
