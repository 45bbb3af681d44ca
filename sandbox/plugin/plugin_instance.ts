/**
 * One plugin in the sandbox: its Compartment, its code, what it exports and its meta.
 * @module
 */

import type {} from "ses";
import { type Capabilities, METHODS } from "../../runtime/capabilities.ts";
import type { PluginSpec } from "../../runtime/protocol.ts";
import { now } from "../walls/capture.ts";
import { newCompartment } from "../walls/lockdown.ts";
import { deadlineInWords, getDeadlineMs } from "../events/deadline.ts";
import { createNodeFetch } from "../fetch/node_fetch.ts";
import { createEndowments } from "./endowments.ts";
import { Habits } from "../events/habits.ts";
import { callHostFor } from "../meta/call_host.ts";
import { createMeta } from "../meta/meta.ts";
import { createMetrics } from "../meta/metrics.ts";
import { createModules } from "./modules.ts";
import { knowPluginFile, sourceUrl } from "./plugin_stack.ts";

/** A function that a plugin exports. */
export type PluginFunction = (...args: unknown[]) => unknown;

/** A loaded plugin. */
export interface PluginInstance {
  index: number;
  spec: PluginSpec;
  meta: Record<string, unknown>;
  methods: Map<string, PluginFunction>;
  jobs: Map<string, PluginFunction>;
  tasks: Map<string, PluginFunction>;
  capabilities: Capabilities;
  habits: Habits;
}

interface Module {
  exports: unknown;
}

/** What the end of a wrapped file hands back: `exports` may have been assigned to. */
interface Ran {
  exports: unknown;
  declared: Record<string, unknown>;
}

const loopClock = Object.freeze({
  now,
  check(start: number, line: number, column: number): void {
    if (now() - start > getDeadlineMs()) {
      throw new Error(
        `Script execution timed out after looping for ${deadlineInWords()} on line ${line}:${column}`,
      );
    }
  },
});

Object.freeze(loopClock.check);

/** Evaluates a plugin's code and finds what it exports. Throws what the code throws. */
export function loadPlugin(index: number, spec: PluginSpec): PluginInstance {
  const call = callHostFor(index);
  const fetch = createNodeFetch(index);
  const compartment = newCompartment(createEndowments(index, call, fetch));
  const globals = compartment.globalThis as Record<string, unknown>;
  for (const name of ["Compartment", "ModuleSource", "assert", "harden", "lockdown"]) delete globals[name];
  const names = Object.getOwnPropertyNames(globals).filter((name) => !UNBOUND.includes(name));
  const wrapper = wrapperWith(names);
  globals["global"] = globals;

  const provideModule = createModules(fetch);
  const modules = new Map<string, Module>();
  function run(path: string): { module: Module; ran: Ran | undefined } {
    const module: Module = { exports: {} };
    modules.set(path, module);
    const source = spec.files[path]!;
    if (path.endsWith(".json")) {
      module.exports = JSON.parse(source);
      return { module, ran: undefined };
    }
    const url = sourceUrl(spec, path);
    knowPluginFile(url, path, index, wrapper.length);
    const wrapped = `${wrapper}${source}\n;${collectDeclared(source)}}})\n//# sourceURL=${url}`;
    const bind = compartment.evaluate(wrapped, EVALUATION) as (...values: unknown[]) => (...args: unknown[]) => Ran;
    const body = bind(...names.map((name) => globals[name]));
    const ran = Reflect.apply(body, module.exports, [provide, module, module.exports, loopClock]);
    return { module, ran };
  }
  function provide(request: unknown): unknown {
    const name = String(request);
    const path = name.startsWith("/") ? name.slice(1) : undefined;
    if (path === undefined || !Object.hasOwn(spec.files, path)) return provideModule(name);
    return (modules.get(path) ?? run(path).module).exports;
  }
  Object.freeze(provide);

  const { module, ran } = run(spec.main);
  const found = findExports(ran?.exports, module.exports, ran?.declared ?? {});
  const declared = found.get("metrics");
  const metrics = typeof declared === "object" && declared !== null
    ? createMetrics(declared, found.has("exportEvents"), call)
    : undefined;
  const meta = createMeta(spec, call, metrics);
  return { index, spec, meta, ...sortExports(found, spec), habits: new Habits() };
}

/**
 * Globals that keep being looked up: they name the scope itself, are constants, or plugins are known to replace them.
 */
const UNBOUND = ["globalThis", "eval", "undefined", "NaN", "Infinity", "fetch"];

/**
 * What goes before the code, on its first line, so that lines stay; its length is taken off columns. The outer function
 * binds the globals: a look-up in a Compartment's scope takes 50 times as long (measured: 400 ns), and `Math` or `JSON`
 * is looked up often.
 */
function wrapperWith(names: string[]): string {
  return `(function (${names.join()}) { return function (require, module, exports, __hogpen_loop) {`;
}

const MAX_NAMES = 1000;
const MAX_NAME_CHARS = 200;

const EVALUATION = {
  sloppyGlobalsMode: true,
  __evadeHtmlCommentTest__: true,
  __evadeImportExpressionTest__: true,
  __rejectSomeDirectEvalExpressions__: false,
};

/** Code that hands back the functions which a plugin merely declares: the way of plugins that export nothing. */
function collectDeclared(source: string): string {
  const names = new Set<string>(METHODS);
  names.add("jobs");
  for (const [name] of source.matchAll(/\brunEvery\w*/g)) names.add(name);
  const entries = [...names].map((name) => `${name}: typeof ${name} === "undefined" ? undefined : ${name}`);
  return `return { exports, declared: { ${entries.join(", ")} } };`;
}

/**
 * Every export by name: the first of `exports`, `exports.default`, `module.exports` that has it, or the declared ones
 * if none has any.
 */
function findExports(exports: unknown, moduleExports: unknown, declared: Record<string, unknown>) {
  const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
  const sources = [exports, isObject(exports) ? exports["default"] : undefined, moduleExports].filter(isObject);
  const found = new Map<string, unknown>();
  for (const source of sources) {
    for (const name of Object.keys(source)) {
      const value = source[name];
      if (value && !found.has(name)) found.set(name, value);
    }
  }
  if (found.size > 0 || sources.some((source) => Object.keys(source).length > 0)) return found;
  return new Map(Object.entries(declared).filter(([, value]) => value));
}

function sortExports(found: Map<string, unknown>, spec: PluginSpec) {
  const methods = new Map<string, PluginFunction>();
  const jobs = new Map<string, PluginFunction>();
  const tasks = new Map<string, PluginFunction>();
  const isFunction = (value: unknown): value is PluginFunction => typeof value === "function";

  for (const name of METHODS) {
    const value = found.get(name);
    if (isFunction(value)) methods.set(name, value);
  }
  const batch = methods.get("processEventBatch");
  if (batch !== undefined && !methods.has("processEvent")) methods.set("processEvent", oneByOne(batch));

  for (const [name, value] of found) {
    if ((name.startsWith("runEvery") || spec.scheduledTasks.includes(name)) && isFunction(value)) {
      tasks.set(name, value);
    }
  }
  const exportedJobs = found.get("jobs");
  if (typeof exportedJobs === "object" && exportedJobs !== null) {
    for (const [name, value] of Object.entries(exportedJobs)) {
      const job: unknown = typeof value === "string" ? found.get(value) : value;
      jobs.set(name, isFunction(job) ? job : () => notAFunction(name));
    }
  }
  checkNames([...tasks.keys(), ...jobs.keys()]);
  const source = spec.files[spec.main] ?? "";
  const capabilities: Capabilities = {
    methods: METHODS.filter((name) => methods.has(name)),
    scheduled_tasks: [...tasks.keys()].sort((a, b) => placeOf(a, source) - placeOf(b, source)),
    jobs: [...jobs.keys()],
  };
  return { methods, jobs, tasks, capabilities };
}

/** The host takes no more than this. */
function checkNames(names: string[]): void {
  if (names.length > MAX_NAMES) {
    throw new RangeError(
      `Cannot load the plugin: it has ${names.length} jobs and tasks, expected at most ${MAX_NAMES}`,
    );
  }
  const long = names.find((name) => name.length > MAX_NAME_CHARS);
  if (long !== undefined) throw new RangeError(`Cannot load the plugin: the name '${long.slice(0, 50)}…' is too long`);
}

/** Where a name is declared: compiled code lists its exports in another order than the author did. */
function placeOf(name: string, source: string): number {
  if (!/^\w+$/.test(name)) return source.length;
  const place = source.search(new RegExp(`\\b(?:function|const|let|var)\\*?\\s+${name}\\b`));
  return place === -1 ? source.length : place;
}

function notAFunction(name: string): never {
  throw new TypeError(`Cannot run job '${name}': it is not a function`);
}

/** processEvent by way of the deprecated processEventBatch. */
function oneByOne(batch: PluginFunction): PluginFunction {
  const first = (events: unknown) => (events as unknown[] | undefined)?.[0];
  return (event, meta) => {
    const result = batch([event], meta);
    return result instanceof Promise ? result.then(first) : first(result);
  };
}
