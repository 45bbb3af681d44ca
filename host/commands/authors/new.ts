/**
 * `new <name>`: creates a plugin to start from, with a test that passes.
 * @module
 */

import { basename, join, resolve } from "node:path";
import { CommandError, EXIT_USAGE, terminal } from "../program/terminal.ts";
import { newPluginFiles } from "../show/new_plugin_files.ts";

export interface NewCommand {
  /** JavaScript instead of TypeScript. */
  js?: boolean;
}

/** Writes into a new or empty folder. Rejects with a CommandError. */
export async function newPlugin(name: string, { js = false }: NewCommand): Promise<void> {
  const root = resolve(name);
  const entries = await Array.fromAsync(Deno.readDir(root)).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return [];
    throw new CommandError(`Cannot make a plugin in ${name}: ${error.message}`, EXIT_USAGE, { cause: error });
  });
  if (entries.length > 0) {
    throw new CommandError(`Cannot make a plugin in ${name}: the folder is not empty; name a new one`, EXIT_USAGE);
  }
  await Deno.mkdir(root, { recursive: true });
  const types = await Deno.readTextFile(new URL("../../../testing/hogpen.d.ts", import.meta.url));
  const files = { ...newPluginFiles(basename(root), js), "hogpen.d.ts": types };
  for (const [path, text] of Object.entries(files)) await Deno.writeTextFile(join(root, path), text);
  const { bold, dim } = terminal.colors;
  terminal.print(`${bold(name)}: ${Object.keys(files).join(", ")}`);
  const steps = [["validate", "is it in order?"], ["test", "do its tests pass?"], [
    "run",
    "what does it do with an event?",
  ], ["dev", "serve it, and reload on save"]];
  for (const [command, what] of steps) terminal.print(`  hogpen ${command} ${name}  ${dim(`# ${what}`)}`);
}
