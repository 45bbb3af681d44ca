/**
 * Which of the packages that plugins are given a folder with code names.
 * @module
 */

import { join } from "node:path";
import { PACKAGE_GROUPS } from "./package_groups.ts";

const CODE = /\.[cm]?[jt]sx?$/;

/** By name, wherever it stands in quotes: one too many does no harm. */
export async function pluginPackagesIn(folder: string): Promise<string[]> {
  const found = new Set<string>();
  for await (const path of codeFiles(folder)) {
    const text = await Deno.readTextFile(path);
    for (const name of PACKAGE_GROUPS.plugins) {
      if (text.includes(`"${name}"`) || text.includes(`'${name}'`)) found.add(name);
    }
  }
  return [...found];
}

async function* codeFiles(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory && entry.name !== "node_modules" && !entry.name.startsWith(".")) yield* codeFiles(path);
    else if (entry.isFile && CODE.test(entry.name)) yield path;
  }
}
