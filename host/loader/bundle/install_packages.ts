/**
 * Installs the npm packages that a plugin's package.json names, away from the plugin's folder and without running
 * their scripts.
 * @module
 */

import { join } from "node:path";
import { z } from "zod";
import { BundleError } from "./bundle_plugin.ts";

export interface InstalledPackages extends AsyncDisposable {
  /** Folders to look for packages in; none when the plugin's own `node_modules` will do. */
  folders: string[];
}

const packageSchema = z.object({ dependencies: z.record(z.string(), z.string()).default({}) });

/**
 * Uses the plugin's own `node_modules` when there is one. `env` is added to the installer's environment. Rejects with
 * BundleError.
 */
export async function installPackages(folder: string, env: Record<string, string> = {}): Promise<InstalledPackages> {
  const nothing = { folders: [], [Symbol.asyncDispose]: () => Promise.resolve() };
  const text = await Deno.readTextFile(join(folder, "package.json")).catch(() => null);
  if (text === null || await exists(join(folder, "node_modules"))) return nothing;
  const { dependencies } = readDependencies(text);
  if (Object.keys(dependencies).length === 0) return nothing;

  const temporary = await Deno.makeTempDir({ prefix: "hogpen_bundle_" });
  const remove = () => Deno.remove(temporary, { recursive: true });
  await Deno.writeTextFile(join(temporary, "package.json"), JSON.stringify({ name: "bundled", dependencies }));
  // Deno is here, npm may not be; it runs no install scripts unless told to.
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["install", "--quiet", "--node-modules-dir=auto"],
    cwd: temporary,
    env,
    stdin: "null",
    stdout: "null",
  }).output();
  if (!success) {
    await remove();
    throw new BundleError(`Cannot install the packages of ${folder}: ${new TextDecoder().decode(stderr).trim()}`);
  }
  return { folders: [join(temporary, "node_modules")], [Symbol.asyncDispose]: remove };
}

function readDependencies(text: string): z.output<typeof packageSchema> {
  try {
    return packageSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new BundleError("Cannot read package.json: expected an object with names and versions in `dependencies`", {
      cause,
    });
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).catch(() => null) !== null;
}
