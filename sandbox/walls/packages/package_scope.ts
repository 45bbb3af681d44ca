/**
 * The scope of packages. The files of a package are wrapped in a function whose parameters are the names that Node
 * has as globals, and run in strict mode, so that none of their functions takes the Worker's global object for a
 * missing `this`. `require` and `module` are plain objects: no module loader lies behind them.
 * @module
 */

import Module, { isBuiltin } from "node:module";
import { Buffer } from "../capture.ts";
import { keptNames } from "../empty_global.ts";
import { builtInName, standInFor } from "./package_modules.ts";
import { currentOwner, ownModule, type PackageOwner, separateOwners } from "./package_owner.ts";
import { createPackageProcess } from "./package_process.ts";
import { UNDECLARED } from "./undeclared.ts";

/** Not for packages: they have other values for these, or none. */
const WITHHELD = new Set([
  "Deno",
  "addEventListener",
  "dispatchEvent",
  // Deno's own WebSocket does not know the egress rules; packages use Node's sockets, which are guarded.
  "fetch",
  "global",
  "globalThis",
  "performance",
  "process",
  "removeEventListener",
  "self",
]);

/** A file of a package as a function of the names around it. */
type ScopedFile = (...names: unknown[]) => (this: unknown, ...parameters: unknown[]) => void;
type Require = (name: string) => unknown;

interface PackageModule {
  id: string;
  filename: string;
  exports: unknown;
  /** Called once by the compiled code, with itself. */
  runInScope?: (file: ScopedFile, require: Require, filename: string, dirname: string) => void;
}
interface Loader {
  prototype: { _compile: Compile };
}
type Compile = (this: PackageModule, content: string, filename: string, format?: string, ...rest: unknown[]) => unknown;

interface PackageGlobals {
  process: object;
  Buffer: typeof Buffer;
}

const loader = Module as unknown as Loader;

/**
 * From now on packages are compiled with a scope of their own. Called before anything is removed from the global
 * object.
 */
export function scopePackages(): void {
  const realm = globalThis as unknown as Record<string, unknown>;
  const kept = keptNames();
  const namesOfNode = Object.getOwnPropertyNames(realm).filter((name) => !kept.has(name) && !WITHHELD.has(name));
  const valuesOfNode = namesOfNode.map((name) => realm[name]);
  // What packages take for the global object: JavaScript's own names and nothing worth having.
  const harmless = [...kept].filter((name) => !WITHHELD.has(name)).map((name) => [name, realm[name]] as const);
  const createGlobals = (): PackageGlobals => ({
    ...Object.fromEntries(harmless),
    Buffer,
    process: createPackageProcess({}),
  });

  separateOwners();

  const compileWithNode = loader.prototype._compile;
  const names = ["process", "performance", "global", "globalThis", "self", ...namesOfNode, ...UNDECLARED].join();
  loader.prototype._compile = function (content, filename, format, ...rest) {
    if (format === "module") return Reflect.apply(compileWithNode, this, [content, filename, format, ...rest]);
    ownModule(this);
    this.runInScope = (file, require, filename, dirname) => {
      delete this.runInScope;
      // Some packages keep their helpers on the global object: each plugin's have one of their own.
      const globals = globalsOf(currentOwner(), createGlobals);
      const { performance } = standInFor("perf_hooks") as { performance: object };
      const run = file(globals.process, performance, globals, globals, undefined, ...valuesOfNode);
      const parameters = [this.exports, createRequire(require, globals), createModule(this), filename, dirname];
      Reflect.apply(run, this.exports, parameters);
    };
    // Two functions, since a file may declare names that the outer one has: `const crypto = require("crypto")`. All on
    // one line, so that lines stay as they are.
    const code = content.replace(/^#!.*/, "");
    const wrapped =
      `return module.runInScope(function (${names}) { return function (exports, require, module, __filename, __dirname) { "use strict"; ` +
      `${code}\n}}, require, __filename, __dirname);`;
    return Reflect.apply(compileWithNode, this, [wrapped, filename, format, ...rest]);
  };
}

function globalsOf(owner: PackageOwner, create: () => PackageGlobals): PackageGlobals {
  owner.globals ??= create();
  return owner.globals as PackageGlobals;
}

function createRequire(require: Require, { process }: PackageGlobals): Require {
  return Object.freeze((request: unknown) => {
    const name = String(request);
    const builtIn = builtInName(name, isBuiltin);
    if (builtIn === "process") return process;
    return (builtIn === undefined ? undefined : standInFor(builtIn)) ?? require(name);
  });
}

/** The part of the module object that its file may see: the file assigns to `exports`. */
function createModule(module: PackageModule): object {
  return Object.freeze({
    id: module.id,
    filename: module.filename,
    get exports(): unknown {
      return module.exports;
    },
    set exports(value: unknown) {
      module.exports = value;
    },
  });
}
