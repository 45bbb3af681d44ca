/**
 * Bundles a plugin and the npm packages it brings into one file, which is then a plugin like any other.
 * @module
 */

import { readFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { basename, dirname, join, resolve, sep } from "node:path";
import type { Message, Plugin } from "esbuild";
import { isProvidedModule } from "../../../runtime/modules.ts";
import { parseManifest } from "../manifest/manifest.ts";
import { BundleError } from "./bundle_error.ts";

export interface BundleOptions {
  /** The entry. When absent it comes from plugin.json, or is index.js or index.ts. */
  main?: string;
  /** Folders to find packages in, besides the `node_modules` around the plugin. */
  packageFolders?: string[];
}

export interface Bundle {
  code: string;
  /** What the code may lack when it runs. */
  warnings: string[];
}

/** Packages that load native code. */
const ADDON_LOADERS = /^(?:bindings|node-gyp-build|node-gyp|prebuild-install|@mapbox\/node-pre-gyp|node-pre-gyp|nan)$/;

/** Bundles the plugin in the folder. Its packages must be installed. Rejects with BundleError. */
export async function bundlePlugin(folder: string, options: BundleOptions = {}): Promise<Bundle> {
  const root = await Deno.realPath(folder);
  const entry = resolve(root, options.main ?? await findEntry(root));
  const packageFolders = options.packageFolders ?? [];
  const warnings = new Set<string>();
  const esbuild = await import("esbuild");
  try {
    const result = await esbuild.build({
      entryPoints: [entry],
      absWorkingDir: root,
      bundle: true,
      write: false,
      format: "cjs",
      // A sandbox resembles a browser more than Node: it has fetch and web classes, but no sockets, files or operating
      // system.
      platform: "browser",
      target: "es2022",
      nodePaths: packageFolders,
      define: { global: "globalThis", self: "globalThis", "process.env.NODE_ENV": '"production"' },
      inject: [PROCESS, WEB_CRYPTO],
      // PostHog also called functions that the entry declares without exporting them.
      treeShaking: exportsSomething(await readEntry(entry)),
      legalComments: "none",
      logLevel: "silent",
      plugins: [ownFilesPlugin(root, packageFolders), packagesPlugin(entry, warnings)],
    });
    for (const warning of result.warnings) warnings.add(describe(warning));
    return { code: result.outputFiles[0]?.text ?? "", warnings: [...warnings] };
  } catch (error) {
    const messages = (error as { errors?: Message[] }).errors;
    if (messages === undefined) throw error;
    const lines = [...new Set(messages.map(describe))].map((line) => `  ${line}`);
    throw new BundleError(`Cannot bundle ${basename(root)}:\n${lines.join("\n")}`, { cause: error });
  } finally {
    await esbuild.stop();
  }
}

/**
 * Refuses files that belong neither to the plugin nor to a package: a plugin of unknown origin could name any file of
 * this machine, and the bundle would leak it. esbuild has already resolved symbolic links at this point.
 */
function ownFilesPlugin(root: string, packageFolders: string[]): Plugin {
  return {
    name: "hogpen-own-files",
    async setup(build) {
      const real = (path: string) => Deno.realPath(path).catch(() => null);
      const around = foldersAbove(root).map((folder) => join(folder, "node_modules"));
      const found = await Promise.all([root, ...packageFolders, ...around].map(real));
      const allowed = found.filter((path) => path !== null);
      const isIn = (path: string, folder: string) => path.startsWith(folder + sep);
      build.onLoad({ filter: /.*/, namespace: "file" }, async ({ path }) => {
        const file = await real(path) ?? path;
        if (allowed.some((folder) => isIn(file, folder))) return undefined;
        return {
          errors: [{ text: `${file} lies outside of the plugin's folder: copy what the plugin needs into it` }],
        };
      });
    },
  };
}

function foldersAbove(folder: string): string[] {
  const parent = dirname(folder);
  return parent === folder ? [] : [parent, ...foldersAbove(parent)];
}

const PROCESS = "hogpen:process";
const WEB_CRYPTO = "hogpen:crypto";

/** The `process` that packages see while they load; it reveals nothing of the machine. */
const PROCESS_CODE = `
export var process = {
  env: {}, argv: [], execArgv: [], version: "", versions: {}, platform: "", arch: "", pid: 1, title: "", browser: true,
  cwd() { return "/" }, on() { return process }, once() { return process }, off() { return process },
  emitWarning() {}, nextTick(run, ...args) { Promise.resolve().then(() => run(...args)) },
  hrtime: Object.assign(() => [0, 0], { bigint: () => 0n }), memoryUsage: () => ({}), uptime: () => 0,
};`;

/** Plugins have the module but not the global. */
const WEB_CRYPTO_CODE = 'export var crypto = /* @__PURE__ */ (() => require("crypto").webcrypto)();';

/**
 * The stand-in for a module that plugins do not have. It can be read, extended and passed on, as packages do while they
 * load; calling or constructing any of it throws an error that names what is missing.
 */
function absentModule(name: string): string {
  return `
function missing(path) {
  function fail() {
    throw new Error("Cannot use '" + path + "': plugins have no module '${name}'");
  }
  return new Proxy(function () {}, {
    get(target, key) {
      if (key === "__esModule" || key === "default" || key === "then") return undefined;
      if (typeof key === "symbol" || Object.hasOwn(target, key)) return Reflect.get(target, key);
      // Bound while loading, called later.
      if (key === "bind") return () => missing(path);
      return missing(path + "." + key);
    },
    apply: fail,
    construct: fail,
  });
}
module.exports = missing(${JSON.stringify(name)});`;
}

function packagesPlugin(entry: string, warnings: Set<string>): Plugin {
  return {
    name: "hogpen-packages",
    setup(build) {
      build.onResolve({ filter: /^hogpen:/ }, ({ path }) => ({ path, namespace: "hogpen" }));
      build.onLoad({ filter: /.*/, namespace: "hogpen" }, ({ path }) => ({
        contents: path === PROCESS ? PROCESS_CODE : WEB_CRYPTO_CODE,
      }));
      build.onLoad({ filter: /.*/, namespace: "absent" }, ({ path }) => ({ contents: absentModule(path) }));
      build.onLoad({ filter: /.*/, namespace: "missing" }, ({ path }) => ({
        contents: `throw new Error(${
          JSON.stringify(`Cannot import '${path}'! The package was not installed when the plugin was bundled.`)
        });`,
      }));

      build.onResolve({ filter: /^[^./]/ }, async ({ path, kind, importer, resolveDir, pluginData }) => {
        if (pluginData === "asked" || kind === "entry-point") return undefined;
        const name = path.replace(/^node:/, "");
        if (isProvidedModule(name)) return { path: name, external: true };
        if (ADDON_LOADERS.test(name)) return { errors: [{ text: `${shorten(importer)} loads a native addon` }] };
        const found = await build.resolve(isBuiltin(name) ? `${name}/` : name, {
          kind,
          resolveDir,
          pluginData: "asked",
        });
        if (found.errors.length === 0) return found;
        if (name === "buffer") return { path: name, namespace: "hogpen-buffer" };
        if (isBuiltin(name)) {
          warnings.add(`${shorten(importer)} imports '${name}', which plugins have not: it fails where it is used`);
          return { path: name, namespace: "absent" };
        }
        // Packages try to require optional modules, but never try to import them.
        if (kind !== "require-call") {
          return { errors: [{ text: `${shorten(importer)} imports '${path}', which is not installed` }] };
        }
        warnings.add(`${shorten(importer)} requires '${path}', which is not installed: it fails where it is used`);
        return { path, namespace: "missing" };
      });
      build.onLoad({ filter: /.*/, namespace: "hogpen-buffer" }, () => ({ contents: "module.exports = { Buffer };" }));
      build.onResolve({ filter: /\.node$/ }, ({ path, importer }) => ({
        errors: [{ text: `${shorten(importer)} loads a native addon, ${path}; plugins run JavaScript alone` }],
      }));

      build.onLoad({ filter: /.*/, namespace: "file" }, async ({ path }) => {
        if (path !== entry) return undefined;
        const contents = await readEntry(path);
        // `exports = {…}` is a form of export that only PostHog knew.
        const isAssigned = /(?:^|[^.\w$])exports\s*=(?!=)/.test(contents);
        return { contents: isAssigned ? `${contents}\n;module.exports = exports;` : contents, loader: "ts" };
      });
    },
  };
}

async function findEntry(root: string): Promise<string> {
  const text = await readFile(join(root, "plugin.json"), "utf8").catch(() => "{}");
  const { main } = parseManifest(text, basename(root));
  if (main !== undefined) return main;
  for (const name of ["index.js", "index.ts"]) {
    if (await Deno.stat(join(root, name)).catch(() => null)) return name;
  }
  throw new BundleError(
    `Cannot bundle ${basename(root)}: there is no index.js or index.ts, and plugin.json names no main`,
  );
}

async function readEntry(path: string): Promise<string> {
  return await readFile(path, "utf8").catch((cause) => {
    throw new BundleError(`Cannot bundle ${path}: it cannot be read`, { cause });
  });
}

function exportsSomething(code: string): boolean {
  return /\b(?:export|exports)\b/.test(code);
}

function describe({ text, location }: Message): string {
  return location === null ? text : `${location.file}:${location.line}:${location.column}: ${text}`;
}

/** Shortens the path of a package's file to, for example, `axios/lib/http.js`. */
function shorten(path: string): string {
  return path.split(/[/\\]node_modules[/\\]/).at(-1) ?? path;
}
