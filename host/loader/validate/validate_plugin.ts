/**
 * Inspects a plugin's folder without running it, and reports everything that is wrong at once.
 * @module
 */

import { BROWSER_ENTRIES, isBuildOutput } from "../entries.ts";
import type { Manifest } from "../plugin.ts";
import { openSource } from "../sources/open_source.ts";
import type { PluginSource } from "../sources/plugin_source.ts";
import { type CheckedManifest, checkManifest } from "./check_manifest.ts";
import { checkFile } from "./check_file.ts";
import { type Problem, problem } from "./problem.ts";

export interface Validation {
  manifest: Manifest;
  problems: Problem[];
  /** Path of the entry; null when there is none. */
  main: string | null;
  /** The position of a field of plugin.json. */
  placeOf: CheckedManifest["placeOf"];
}

/** Finds everything that can be seen without running the plugin. Rejects when the folder cannot be read. */
export async function validatePlugin(folder: string): Promise<Validation> {
  const source = await openSource(folder);
  const text = source.paths.has("plugin.json") ? await source.read("plugin.json") : null;
  const { manifest, problems, placeOf } = checkManifest(text, source.label);
  const main = await findEntry(source, manifest, placeOf, problems);
  if (main !== null) await checkFiles(source, main, manifest, problems);
  return { manifest, problems, main, placeOf };
}

async function findEntry(
  source: PluginSource,
  manifest: Manifest,
  placeOf: CheckedManifest["placeOf"],
  problems: Problem[],
): Promise<string | null> {
  const named = manifest.main?.replace(/^(?:\.?\/)+/, "");
  const main = named ?? ["index.js", "index.ts"].find((name) => source.paths.has(name));
  if (main !== undefined && source.paths.has(main)) {
    if ((await source.read(main)).trim() !== "") return main;
    problems.push(problem("entry-empty", main, null, `${main} is empty: there is nothing to run`));
    return null;
  }
  const inBrowsers = BROWSER_ENTRIES.find((name) => source.paths.has(name));
  const at = placeOf(["main"]);
  if (inBrowsers !== undefined) {
    const words = `${inBrowsers} runs in the browsers of visitors, and nothing of it on a server: it cannot run here`;
    problems.push(problem("site-app", inBrowsers, null, words));
  } else if (named === undefined) {
    problems.push(
      problem("entry-missing", "plugin.json", at, "There is no index.js or index.ts, and no main is named"),
    );
  } else if (isBuildOutput(named) && source.paths.has("package.json")) {
    const words =
      `"main" is ${named}, which is not built: run the plugin's own build, or hogpen bundle --entry <source>`;
    problems.push(problem("entry-not-built", "plugin.json", at, words));
  } else {
    problems.push(problem("main-missing", "plugin.json", at, `"main" is ${named}, and there is no such file`));
  }
  return null;
}

async function checkFiles(source: PluginSource, main: string, manifest: Manifest, problems: Problem[]): Promise<void> {
  const context = {
    paths: source.paths,
    main,
    packages: await readPackages(source),
    configKeys: new Set(manifest.config.flatMap(({ key }) => key ?? [])),
  };
  const queue = [main];
  for (const path of queue) {
    const code = (await source.read(path)).replace(/^\uFEFF/, "");
    const checked = await checkFile(path, code, context);
    problems.push(...checked.problems);
    for (const next of checked.imports) if (!queue.includes(next)) queue.push(next);
  }
}

/** The names of all packages in package.json. */
async function readPackages(source: PluginSource): Promise<Set<string>> {
  if (!source.paths.has("package.json")) return new Set();
  try {
    const { dependencies, devDependencies } = JSON.parse(await source.read("package.json"));
    return new Set([...Object.keys(dependencies ?? {}), ...Object.keys(devDependencies ?? {})]);
  } catch {
    return new Set();
  }
}
