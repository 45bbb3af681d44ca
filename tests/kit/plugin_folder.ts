/**
 * A plugin's folder for one test.
 * @module
 */

import { dirname } from "node:path";
import { type TemporaryFolder, temporaryFolder } from "./temporary_folder.ts";

/** Writes the files, named by their path in the plugin, into an empty folder. */
export async function pluginFolder(files: Record<string, string>): Promise<TemporaryFolder> {
  const folder = await temporaryFolder();
  for (const [path, text] of Object.entries(files)) {
    await Deno.mkdir(dirname(folder.file(path)), { recursive: true });
    await Deno.writeTextFile(folder.file(path), text);
  }
  return folder;
}
