/**
 * Which host this is among those that share a store: the same after a restart, so that it can take back what it was doing when it died.
 * @module
 */

import { join } from "node:path";

/** Name in the data folder. */
const FILE = "instance_id";

/** The id of the host of this data folder; made at the first start. Only one host at a time has the folder open. */
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
