/**
 * A plugin in a folder. Files are read when they are needed, and links that lead out of the folder are not followed.
 * @module
 */

import { readdir, realpath } from "node:fs/promises";
import { basename, join, relative, sep } from "node:path";
import { type PluginSource, SourceError } from "./plugin_source.ts";

/** A folder with more files is not a plugin but, for example, somebody's home. */
const MAX_FILES = 20_000;
const MAX_FILE_BYTES = 16 * 1024 * 1024;

export async function folderSource(folder: string): Promise<PluginSource> {
  const root = await realpath(folder);
  const paths = new Set<string>();
  let seen = 0;
  const queue = [""];
  for (let directory = queue.pop(); directory !== undefined; directory = queue.pop()) {
    for (const entry of await readdir(join(root, directory), { withFileTypes: true })) {
      if (++seen > MAX_FILES) {
        throw new SourceError(`Cannot read plugin folder ${folder}: it holds more than ${MAX_FILES} files`);
      }
      const path = directory === "" ? entry.name : `${directory}/${entry.name}`;
      if (entry.isDirectory()) {
        if (entry.name !== "node_modules" && !entry.name.startsWith(".")) queue.push(path);
      } else if (entry.isFile() || (entry.isSymbolicLink() && await staysInside(root, path))) {
        paths.add(path);
      }
    }
  }
  return {
    label: basename(root),
    paths,
    async read(path) {
      if (!paths.has(path)) throw new SourceError(`Cannot read ${path} of plugin ${folder}: no such file`);
      const bytes = await Deno.readFile(join(root, path));
      if (bytes.length > MAX_FILE_BYTES) {
        throw new SourceError(`Cannot read ${path} of plugin ${folder}: it is larger than ${MAX_FILE_BYTES} bytes`);
      }
      return new TextDecoder().decode(bytes);
    },
  };
}

async function staysInside(root: string, path: string): Promise<boolean> {
  const target = await realpath(join(root, path)).catch(() => null);
  if (target === null) return false;
  const inside = relative(root, target);
  return inside !== "" && !inside.startsWith(`..${sep}`) && (await Deno.stat(target)).isFile;
}
