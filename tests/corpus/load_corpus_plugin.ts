/**
 * Plugins of the corpus as folders that the service's loader takes, with the file that a case names as their main one.
 * @module
 */

import { dirname, join, resolve } from "node:path";
import { stop } from "esbuild";
import { bundlePlugin } from "../../host/loader/bundle/bundle_plugin.ts";
import { loadPlugin } from "../../host/loader/load_plugin.ts";
import type { LoadedPlugin } from "../../host/loader/plugin.ts";
import { METHODS } from "../../runtime/capabilities.ts";
import { temporaryFolder } from "../kit/temporary_folder.ts";
import type { CorpusCase } from "./corpus_case.ts";

/** Rejects with what is wrong with the plugin. */
export async function loadCorpusPlugin(folder: string, given: CorpusCase): Promise<LoadedPlugin> {
  await using prepared = await preparePlugin(folder, given);
  return await loadPlugin(prepared.path);
}

/** The folder itself, or a copy of what the case makes of it, which is removed in the end. */
export async function preparePlugin(
  folder: string,
  { plugin, main, load }: CorpusCase,
): Promise<AsyncDisposable & { path: string }> {
  const text = await Deno.readTextFile(join(folder, "plugin.json")).catch(() => null);
  const manifest = text === null ? { name: plugin } : JSON.parse(text);
  const named = manifest.main?.replace(/^\.\//, "");
  if (load !== "bundle" && (main === undefined || main === named)) {
    return { path: folder, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  await using made = new AsyncDisposableStack();
  const copy = made.use(await temporaryFolder());
  const entry = main ?? named ?? "index.ts";
  if (load === "bundle") await bundle(folder, entry, copy.file("index.js"));
  else await copyFolder(folder, copy.path);
  const own = { ...manifest, main: load === "bundle" ? "index.js" : entry };
  await Deno.writeTextFile(copy.file("plugin.json"), JSON.stringify(own));
  const all = made.move();
  return { path: copy.path, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** Ends the bundler's process, if there is one. */
export async function stopBundler(): Promise<void> {
  await stop();
}

/** One file of everything the plugin imports from elsewhere; what it exports as an object is its exports. */
async function bundle(plugin: string, main: string, outfile: string): Promise<void> {
  const folder = dirname(outfile);
  await Deno.writeTextFile(
    join(folder, "entry.js"),
    `const exported = require(${JSON.stringify(resolve(plugin, main))});
     const names = ${JSON.stringify([...METHODS, "jobs", "runEveryMinute", "runEveryHour", "runEveryDay"])};
     const isPlugin = (value) => typeof value === "object" && value !== null && names.some((name) => name in value);
     module.exports = isPlugin(exported) ? exported : Object.values(exported).find(isPlugin) ?? exported;`,
  );
  const { code } = await bundlePlugin(folder, { main: "entry.js", packageFolders: [resolve(plugin)] });
  await Deno.writeTextFile(outfile, code);
}

async function copyFolder(from: string, to: string): Promise<void> {
  for await (const { name, isDirectory, isFile } of Deno.readDir(from)) {
    if (name === ".git" || name === "node_modules") continue;
    const [source, target] = [join(from, name), join(to, name)];
    if (isFile) await Deno.copyFile(source, target);
    if (!isDirectory) continue;
    await Deno.mkdir(target);
    await copyFolder(source, target);
  }
}
