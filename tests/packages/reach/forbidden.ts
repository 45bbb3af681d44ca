/**
 * Knows by identity what must be out of reach: the global scope, the process, files, timers, module loaders, servers and other programs.
 * Import this before the sandbox.
 * @module
 */

import { createRequire } from "node:module";
import process from "node:process";

const require = createRequire(import.meta.url);
const realDeno = Deno;
const realWorker = Worker;
const Module = require("node:module") as { new (): object };
const isArray = Array.isArray;

/** Whole modules: the object and everything in it. */
const CLOSED = ["child_process", "cluster", "dgram", "fs", "fs/promises", "inspector", "module", "timers"];
const ALSO_CLOSED = ["timers/promises", "v8", "vm", "worker_threads"];
const modules = [...CLOSED, ...ALSO_CLOSED].map((name) => [name, require(`node:${name}`)] as const);

/** Of modules that packages hand out parts of. */
const PARTS = {
  net: ["createServer", "Server"],
  http: ["createServer", "Server"],
  https: ["createServer"],
  tls: ["createServer"],
};
const parts = Object.entries(PARTS).flatMap(([name, keys]) => {
  const module = require(`node:${name}`) as Record<string, unknown>;
  return keys.map((key) => [`${name}.${key}`, module[key]] as const);
});

let known: Map<unknown, string> | undefined;

/** When it is first asked, since the sandbox replaces some of it. */
function collect(): Map<unknown, string> {
  const found = new Map<unknown, string>([[globalThis, "globalThis"], [process, "process"], [realDeno, "Deno"]]);
  found.set(realWorker, "Worker");
  for (const name of ["setTimeout", "setInterval", "setImmediate"]) found.set(Reflect.get(globalThis, name), name);
  for (const name of ["kill", "exit", "abort", "dlopen", "binding"]) add(`process.${name}`, Reflect.get(process, name));
  for (const [name, part] of parts) add(name, part);
  for (const [name, module] of modules) {
    add(name, module);
    for (const key of Object.keys(module)) {
      const value: unknown = module[key];
      // Errors and streams of a module are its instances' classes, not what it does.
      if (typeof value === "function" && !/Error$|Stats|Dirent|Stream$|EventEmitter/.test(key)) {
        add(`${name}.${key}`, value);
      }
    }
  }
  function add(name: string, value: unknown): void {
    if (typeof value === "object" ? value !== null : typeof value === "function") found.set(value, name);
  }
  return found;
}

/** protobufjs has a function that makes functions of text: `codegen([])("return globalThis")()()`. */
function reachesGlobals(value: CallableFunction): boolean {
  if (value.name !== "codegen") return false;
  try {
    const made: unknown = value([], "name")("return globalThis")();
    return typeof made === "function" && made() === globalThis;
  } catch {
    return false;
  }
}

function forbidden(value: unknown): string | undefined {
  known ??= collect();
  const name = known.get(value);
  if (name !== undefined) return name;
  if (typeof value === "function" && reachesGlobals(value)) return "globalThis by a function that makes code";
  if (typeof value === "object" && value instanceof Module && "children" in value) return "a Module";
  if (typeof value === "function" && "resolve" in value && "cache" in value && !isArray(value.cache)) {
    return "a require";
  }
}

/** For the test of the test: something forbidden, which a plugin finds. */
const planted = {
  get deep() {
    return modules.find(([name]) => name === "timers")?.[1].setTimeout;
  },
};

Object.defineProperties(URL, { forbidden: { value: forbidden }, plant: { value: () => planted } });
