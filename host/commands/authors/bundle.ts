/**
 * `bundle <folder>`: writes a plugin together with its npm packages into one file, and reports how it will behave.
 * @module
 */

import { basename, dirname, join, relative, resolve } from "node:path";
import { BundleError } from "../../loader/bundle/bundle_error.ts";
import { bundlePlugin } from "../../loader/bundle/bundle_plugin.ts";
import { installPackages } from "../../loader/bundle/install_packages.ts";
import { loadPlugin } from "../../loader/load_plugin.ts";
import { PluginLoadError } from "../../loader/plugin.ts";
import { terminal } from "../program/terminal.ts";
import { readCapabilities } from "./validate.ts";

export interface BundleCommand {
  out?: string;
  entry?: string;
}

/**
 * Bundles the plugin into `out` (by default `dist/hogpen/index.js` in its folder) with a plugin.json beside it, and
 * loads the result as the service would. Sets the exit code.
 */
export async function bundle(folder: string, { out, entry }: BundleCommand): Promise<void> {
  const root = resolve(folder);
  const file = out === undefined ? join(root, "dist", "hogpen", "index.js") : resolve(out);
  try {
    if (!await Deno.stat(root).then(({ isDirectory }) => isDirectory, () => false)) {
      throw new BundleError(`Cannot bundle ${folder}: there is no such folder`);
    }
    if (dirname(file) === root) {
      throw new BundleError(`Cannot bundle ${basename(root)} into its own folder: name another one with --out`);
    }
    await using packages = await installPackages(root, { onNotice: terminal.note });
    const { code, warnings } = await bundlePlugin(root, {
      packageFolders: packages.folders,
      ...(entry !== undefined && { main: await entryIn(root, entry) }),
    });
    await Deno.mkdir(dirname(file), { recursive: true });
    await Deno.writeTextFile(file, code);
    await writeManifest(root, file);
    const { main } = await loadPlugin(dirname(file));
    // What a package does while it is being loaded shows only when it is run.
    const does = await readCapabilities(dirname(file)).catch((cause) => {
      throw new BundleError(`Cannot run the bundle, ${main}: ${cause.message}`, { cause });
    });
    for (const warning of warnings) terminal.note(`Warning: ${warning}`);
    terminal.print(`Wrote ${file} (${code.length} characters). Use ${dirname(file)} as the plugin's source`);
    if (does.methods.length + does.jobs.length + does.scheduled_tasks.length === 0) {
      terminal.note("Warning: the bundle exports nothing that is called, such as processEvent");
    }
  } catch (error) {
    if (!(error instanceof BundleError || error instanceof PluginLoadError)) throw error;
    terminal.note(error.message);
    Deno.exitCode = 1;
  }
}

/** The plugin's own plugin.json, with the bundle as its main file. */
async function writeManifest(root: string, file: string): Promise<void> {
  const target = join(dirname(file), "plugin.json");
  const text = await Deno.readTextFile(join(root, "plugin.json")).catch(() => JSON.stringify({ name: basename(root) }));
  const manifest = { ...JSON.parse(text), main: basename(file) };
  await Deno.writeTextFile(target, `${JSON.stringify(manifest, null, 2)}\n`);
}

/** Looked for in the plugin's folder, then in the current one. */
async function entryIn(root: string, entry: string): Promise<string> {
  const isIn = await Deno.stat(join(root, entry)).then(() => true, () => false);
  return isIn ? entry : relative(root, resolve(entry));
}
