/**
 * Loads a module of ours that imports packages which may not be there yet.
 * @module
 */

import { type GetOptions, getPackages } from "./get_packages.ts";

/**
 * Gets the packages, then imports the module. Its address is an URL because Deno looks up at once what a literal
 * `import()` leads to, and remembers what it did not find. Rejects with PackageError.
 */
export async function loadWith<Module>(names: readonly string[], module: URL, options: GetOptions): Promise<Module> {
  await getPackages(names, options);
  return await import(module.href) as Module;
}
