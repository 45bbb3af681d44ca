/**
 * Installs the npm packages that a plugin's package.json names, outside the plugin's folder and without running their
 * scripts.
 * @module
 */

import { createHash } from "node:crypto";
import { basename, join } from "node:path";
import { z } from "zod";
import { BundleError } from "./bundle_error.ts";

export interface InstalledPackages extends AsyncDisposable {
  /** Folders to find packages in; empty when the plugin's own `node_modules` is used. */
  folders: string[];
}

export interface InstallOptions {
  /** Added to the installer's environment. */
  env?: Record<string, string>;
  /** Folder in which the installed packages are kept for the next time. When absent they are removed on disposal. */
  keepIn?: string;
  /** Whether a package is already available. */
  has?(name: string, version: string): Promise<boolean>;
  /** Called before the installer starts, and for packages that cannot be installed. */
  onNotice?(message: string): void;
}

const names = z.record(z.string(), z.string()).default({});
const packageSchema = z.object({ dependencies: names, devDependencies: names });

/** Development tools, which neither a plugin nor its tests import: the test runner replaces them. */
const TOOLS =
  /^(?:jest|jest-(?!fetch-mock|mock-extended|extended|when|date-mock)[\w-]+|ts-jest|babel-jest|ts-node|typescript|@types\/.*|@?babel\/.*|@babel\/.*|@swc\/.*|@?eslint.*|@typescript-eslint\/.*|prettier.*|husky|lint-staged|pre-commit|standard|rollup.*|@rollup\/.*|webpack.*|esbuild|nodemon|rimraf|np|semantic-release.*|@semantic-release\/.*|commitizen|@commitlint\/.*)$/;

/**
 * Uses the plugin's own `node_modules` when there is one. devDependencies are installed as well, because many plugins
 * list there what they import. Rejects with BundleError.
 */
export async function installPackages(folder: string, options: InstallOptions = {}): Promise<InstalledPackages> {
  const nothing = { folders: [], [Symbol.asyncDispose]: () => Promise.resolve() };
  const text = await Deno.readTextFile(join(folder, "package.json")).catch(() => null);
  if (text === null || await exists(join(folder, "node_modules"))) return nothing;
  const dependencies = readDependencies(text);
  for (const [name, version] of Object.entries(dependencies)) {
    if (await options.has?.(name, version)) delete dependencies[name];
  }
  if (Object.keys(dependencies).length === 0) return nothing;
  if (options.keepIn === undefined) {
    const temporary = await Deno.makeTempDir({ prefix: "hogpen_bundle_" });
    const remove = () => Deno.remove(temporary, { recursive: true });
    await install(temporary, dependencies, folder, options).catch(async (error) => {
      await remove();
      throw error;
    });
    return { folders: [join(temporary, "node_modules")], [Symbol.asyncDispose]: remove };
  }
  const kept = join(
    options.keepIn,
    createHash("sha256").update(JSON.stringify(dependencies)).digest("hex").slice(0, 32),
  );
  if (!await exists(join(kept, "done"))) {
    await Deno.mkdir(kept, { recursive: true });
    await install(kept, dependencies, folder, options);
    await Deno.writeTextFile(join(kept, "done"), "");
  }
  return { ...nothing, folders: [join(kept, "node_modules")] };
}

/** Leaves out versions that the registry does not have: their stand-ins, or the bundler, give a better error. */
async function install(
  target: string,
  dependencies: Record<string, string>,
  folder: string,
  { env, onNotice }: InstallOptions,
): Promise<void> {
  onNotice?.(`Installing the packages of ${basename(folder)}, once`);
  const left = { ...dependencies };
  for (;;) {
    await Deno.writeTextFile(join(target, "package.json"), JSON.stringify({ name: "bundled", dependencies: left }));
    // Deno is always available, npm may not be. Deno runs no install scripts unless told to.
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["install", "--quiet", "--node-modules-dir=auto"],
      cwd: target,
      env: { NO_COLOR: "1", ...env },
      stdin: "null",
      stdout: "null",
    }).output();
    if (success) return;
    const words = new TextDecoder().decode(stderr).trim();
    const [, missing = "", version = ""] = /Could not find npm package '([^']+)' matching '([^']+)'/.exec(words) ?? [];
    if (!Object.hasOwn(left, missing)) throw new BundleError(`Cannot install the packages of ${folder}: ${words}`);
    onNotice?.(`Warning: ${missing} ${version} is not in the registry: it is left out`);
    delete left[missing];
  }
}

function readDependencies(text: string): Record<string, string> {
  try {
    const { dependencies, devDependencies } = packageSchema.parse(JSON.parse(text));
    const tools = Object.entries(devDependencies).filter(([name]) => !TOOLS.test(name));
    // Addresses of git and folders do not come from the registry.
    const wanted = [...tools, ...Object.entries(dependencies)].filter(([, version]) =>
      !/[:/](?!\/?\d)/.test(version.replace(/^npm:/, ""))
    );
    return Object.fromEntries(wanted);
  } catch (cause) {
    throw new BundleError("Cannot read package.json: expected an object with names and versions in `dependencies`", {
      cause,
    });
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).catch(() => null) !== null;
}
