/**
 * The scope of packages. A package finds the names that Node has as globals as parameters of the function that its files are wrapped
 * in, and its files run in strict mode, so that no function of theirs takes the Worker's global object for a missing `this`. So the
 * global object itself can be emptied: behind it lies nothing, even for whoever gets hold of it.
 * @module
 */

import Module from "node:module";
import process from "node:process";
import { Buffer, monotonic, queueMicrotask } from "../capture.ts";
import { newCompartment } from "../lockdown.ts";
import { currentOwner, ownModule, type PackageOwner, separateOwners } from "./package_owner.ts";

/** Not for packages: they have other values for these, or none. */
const WITHHELD = new Set([
  "Deno",
  "addEventListener",
  "dispatchEvent",
  // Deno's own knows nothing of egress; packages have the sockets of Node, which are guarded.
  "fetch",
  "global",
  "globalThis",
  "process",
  "removeEventListener",
  "self",
]);

/** What packages may read of `process`; all of it is data or harmless. */
const OF_PROCESS = [
  "arch",
  "argv",
  "cwd",
  "emitWarning",
  "env",
  "execArgv",
  "execPath",
  "hrtime",
  "listenerCount",
  "listeners",
  "memoryUsage",
  "nextTick",
  "off",
  "on",
  "once",
  "pid",
  "platform",
  "release",
  "removeListener",
  "report",
  "stderr",
  "stdin",
  "stdout",
  "title",
  "umask",
  "uptime",
  "version",
  "versions",
] as const;

interface PackageModule {
  exports: unknown;
  /** Gives the scope to the code that is compiled, once. */
  takeScope?: () => unknown[];
}
interface Loader {
  prototype: { _compile: Compile };
}
type Compile = (this: PackageModule, content: string, filename: string, format?: string, ...rest: unknown[]) => unknown;

const loader = Module as unknown as Loader;
interface PackageGlobals {
  process: object;
  Buffer: typeof Buffer;
}

/** From now on packages are compiled with a scope of their own. Before anything is taken off the global object. */
export function scopePackages(): void {
  const scope = globalThis as unknown as Record<string, unknown>;
  const kept = keptNames();
  const given = Object.getOwnPropertyNames(scope).filter((name) => !kept.has(name) && !WITHHELD.has(name));
  // What packages take for the global object: JavaScript's own names and nothing that is worth having.
  const harmless = [...kept].filter((name) => !WITHHELD.has(name)).map((name) => [name, scope[name]] as const);
  const makeGlobals = (): PackageGlobals => ({ ...Object.fromEntries(harmless), Buffer, process: processFacade({}) });
  separateOwners();
  const names = ["process", "global", "globalThis", "self", ...given];
  const values = given.map((name) => scope[name]);

  const compileWithNode = loader.prototype._compile;
  loader.prototype._compile = function (content, filename, format, ...rest) {
    if (format === "module") return compileWithNode.call(this, content, filename, format, ...rest);
    // Two functions, since a file may declare names that the outer one has: `const crypto = require("crypto")`. All on one line, so
    // that lines stay as they are.
    const scoped =
      `return (function (${names}) { return function (exports, require, module, __filename, __dirname) { "use strict"; ` +
      `${
        content.replace(/^#!.*/, "")
      }\n}}).apply(undefined, module.takeScope()).call(exports, exports, require, module, __filename, __dirname);`;
    ownModule(this);
    this.takeScope = () => {
      delete this.takeScope;
      // Some packages keep their helpers on the global object: each plugin's have one of their own.
      const globals = globalsOf(currentOwner(), makeGlobals);
      return [globals.process, globals, globals, undefined, ...values];
    };
    return compileWithNode.call(this, scoped, filename, format, ...rest);
  };
}

function globalsOf(owner: PackageOwner, make: () => PackageGlobals): PackageGlobals {
  owner.globals ??= make();
  return owner.globals as PackageGlobals;
}

/** @param env what packages find as their environment: empty, and their own to write to. */
function processFacade(env: object): object {
  const facade: Record<string, unknown> = {};
  const own = process as unknown as Record<string, unknown>;
  for (const name of OF_PROCESS) facade[name] = own[name];
  // Packages tell Node from browsers by what kind of object this is.
  return Object.freeze({ ...facade, env, [Symbol.toStringTag]: "process" });
}

/** Names that SES puts into every scope. */
const OF_SES = new Set(["Compartment", "ModuleSource", "assert", "harden", "lockdown"]);

/** Names that stay besides JavaScript's own: what plugins find in their Compartments as well. */
const KEPT = [
  "AbortController",
  "AbortSignal",
  "Blob",
  "CompressionStream",
  "DOMException",
  "DecompressionStream",
  "Deno",
  "Event",
  "EventTarget",
  "File",
  "FormData",
  "Headers",
  "ReadableByteStreamController",
  "ReadableStream",
  "ReadableStreamBYOBReader",
  "ReadableStreamBYOBRequest",
  "ReadableStreamDefaultController",
  "ReadableStreamDefaultReader",
  "TextDecoder",
  "TextEncoder",
  "TransformStream",
  "TransformStreamDefaultController",
  "URL",
  "URLSearchParams",
  "WritableStream",
  "WritableStreamDefaultController",
  "WritableStreamDefaultWriter",
  "atob",
  "btoa",
  "crypto",
  "dispatchEvent",
  "structuredClone",
];

/** What Node's built-in modules look at by name, in a harmless form. */
const STUBS: Record<string, () => object> = {
  process: () => processFacade(Object.freeze({})),
  // What http2 does a little later; as a timer it would be one for whoever finds it here.
  setImmediate: () => Object.freeze(soon),
  global: () => Object.freeze({}),
  performance: () => Object.freeze({ now: monotonic, timeOrigin: 0, mark: () => undefined, measure: () => undefined }),
};

function soon(callback: (...args: unknown[]) => void, ...args: unknown[]): object {
  queueMicrotask(() => callback(...args));
  return Object.freeze({});
}

/** Takes everything else off the global object and freezes it. The last step, after everything that looks at it. */
export function emptyGlobal(): void {
  const kept = keptNames();
  // When it is first called, it looks for the engine's own by taking itself off the global object for a moment.
  queueMicrotask(() => {});
  const scope = globalThis as unknown as Record<PropertyKey, unknown>;
  for (const key of Reflect.ownKeys(scope)) {
    // Deno keeps the scope's listeners behind a symbol: they stay as they are now.
    if (typeof key === "symbol") freezeTree(scope[key]);
    if (typeof key === "symbol" || kept.has(key)) continue;
    const stub = STUBS[key as string];
    if (stub !== undefined) Object.defineProperty(scope, key, { value: stub() });
    else if (!Reflect.deleteProperty(scope, key)) {
      Object.defineProperty(scope, key, { value: undefined });
    }
  }
  Object.freeze(scope);
}

function keptNames(): ReadonlySet<string> {
  const language = Object.getOwnPropertyNames(newCompartment({}).globalThis).filter((name) => !OF_SES.has(name));
  return new Set([...KEPT, ...language]);
}

/** Freezes plain objects and lists, and what they hold. */
function freezeTree(value: unknown): void {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const each of Object.values(value)) freezeTree(each);
}
