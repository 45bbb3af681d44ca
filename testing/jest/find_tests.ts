/**
 * Which files of a repository are tests.
 * @module
 */

import { join, relative } from "node:path";
import picomatch from "picomatch";
import type { JestConfig } from "./jest_config.ts";

/** Paths in order; `patterns` are regular expressions of which one has to fit. */
export async function findTests(config: JestConfig, patterns: readonly string[]): Promise<string[]> {
  const globs = config.testMatch.filter((glob) => !glob.startsWith("!")).map((glob) => picomatch(glob, { dot: true }));
  const not = config.testMatch.filter((glob) => glob.startsWith("!")).map((glob) =>
    picomatch(glob.slice(1), { dot: true })
  );
  const regexes = config.testRegex.map((source) => new RegExp(source));
  const ignored = config.testPathIgnorePatterns.map((source) => new RegExp(source));
  const wanted = patterns.map((source) => new RegExp(source, "i"));
  const isTest = (path: string) =>
    (globs.some((fits) => fits(path)) && !not.some((fits) => fits(path)) ||
      regexes.some((regex) => regex.test(path))) &&
    !ignored.some((regex) => regex.test(path));
  const found = new Set<string>();
  for (const root of config.roots) {
    for await (const path of filesIn(root)) {
      const isWanted = wanted.length === 0 || wanted.some((regex) => regex.test(relative(config.rootDir, path)));
      if (isWanted && isTest(path)) found.add(path);
    }
  }
  return [...found].sort();
}

async function* filesIn(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
    if (name === "node_modules" || name === ".git") continue;
    const path = join(folder, name);
    if (isDirectory) yield* filesIn(path);
    else if (isFile) yield path;
  }
}
