/**
 * Knows by identity what must be out of reach: the global scope, the process, the modules of Node but for a few, module
 * loaders, Deno's own, and what the sandbox remembers of a call. Import this before the sandbox.
 * @module
 */

import { builtinModules, createRequire } from "node:module";
import process from "node:process";
import { currentCause } from "../../../sandbox/events/cause.ts";

const require = createRequire(import.meta.url);
const realDeno = Deno;
const { internal } = Deno as unknown as { internal: PropertyKey };
const internals = Reflect.get(Deno, internal) as { core: Record<string, unknown> & { ops: object } };
const Module = require("node:module") as { new (): object };
const isArray = Array.isArray;
const realm = globalThis;

/** Names of the global scope that were there before the sandbox, and that nobody may have. */
const GLOBALS = [
  "Worker",
  "MessageChannel",
  "BroadcastChannel",
  "WebSocket",
  "EventSource",
  "SharedArrayBuffer",
  "Atomics",
];
const MORE_GLOBALS = ["WebAssembly", "caches", "navigator", "location", "fetch", "postMessage", "close"];
const TIMERS = ["setTimeout", "setInterval", "setImmediate"];

/** Modules whose functions plugins may hold. */
const OPEN =
  /^(assert|buffer|console|constants|crypto|diagnostics_channel|events|path|process|punycode|querystring|stream|_stream|string_decoder|sys|tty|url|util|zlib)(\W|_|$)/;
/** Modules whose classes packages make their connections of; not the servers in them. */
const CLIENTS = /^(_?http2?|_?https|net|_?tls)(_|$)/;
const SERVERS = /server|globalAgent/i;
/** Of the other modules: what is the class of an instance, and does nothing by itself. */
const CLASSES =
  /Error$|Stats|Dirent|Stream$|EventEmitter|^AsyncResource$|^AsyncLocalStorage$|^(BadResource|Interrupted|NotCapable)$/;

const modules = builtinModules.filter((name) => !OPEN.test(name)).map((name) =>
  [name, require(name.startsWith("node:") ? name : `node:${name}`) as Record<string, unknown>] as const
);

let known: Map<unknown, string> | undefined;

/** When it is first asked, since the sandbox replaces some of it. */
function collect(): Map<unknown, string> {
  const found = new Map<unknown, string>();
  const add = (name: string, value: unknown) => {
    const isThing = typeof value === "object" ? value !== null : typeof value === "function";
    if (isThing && !found.has(value)) found.set(value, name);
  };
  add("globalThis", realm);
  add("process", process);
  add("Deno", realDeno);
  add("Deno's internals", internals);
  add("Deno.core", internals.core);
  addAll("core", internals.core, /./, CLASSES);
  addAll("core.ops", internals.core.ops);
  for (const [name, value] of globals) add(name, value);
  addAll("process", process, /^(kill|exit|reallyExit|abort|dlopen|binding|emit|on|once|chdir)$/);
  for (const [name, module] of modules) {
    const isClient = CLIENTS.test(name);
    if (!isClient) add(name, module);
    addAll(name, module, isClient ? SERVERS : undefined, CLASSES);
  }
  function addAll(name: string, holder: object, only = /./, but = /^$/) {
    for (const [key, { value }] of Object.entries(Object.getOwnPropertyDescriptors(holder))) {
      if (typeof value === "function" && only.test(key) && !but.test(key)) add(`${name}.${key}`, value);
    }
  }
  return found;
}

/** Before they are removed. */
const globals = [...GLOBALS, ...MORE_GLOBALS, ...TIMERS].map((name) => [name, Reflect.get(realm, name)] as const);

/** protobufjs has a function that makes functions of text: `codegen([])("return globalThis")()()`. */
function reachesGlobals(value: CallableFunction): boolean {
  if (value.name !== "codegen") return false;
  try {
    const made: unknown = value([], "name")("return globalThis")();
    return typeof made === "function" && made() === realm;
  } catch {
    return false;
  }
}

function forbidden(value: unknown): string | undefined {
  known ??= collect();
  const name = known.get(value);
  if (name !== undefined) return name;
  if (typeof value === "object" && value === currentCause()) return "the cause of the call";
  if (typeof value === "function" && reachesGlobals(value)) return "globalThis by a function that makes code";
  if (typeof value === "object" && value instanceof Module && "children" in value) return "a Module";
  if (typeof value === "function" && "resolve" in value && "cache" in value && !isArray(value.cache)) {
    return "a require";
  }
}

/** For the test of the test: something forbidden, which a plugin finds. */
const planted = {
  get deep() {
    return modules.find(([name]) => name === "timers")?.[1]["setTimeout"];
  },
};

Object.defineProperties(URL, {
  forbidden: { value: forbidden },
  plant: { value: () => planted },
  realm: { value: () => realm },
});
