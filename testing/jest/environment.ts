/**
 * The global object that a test file finds: that of Node, or of a browser when the repository brings jsdom.
 * @module
 */

import { createRequire } from "node:module";
import timers from "node:timers";
import { promisify } from "node:util";
import type { JestConfig } from "./jest_config.ts";

/** What Deno has and Node has not: packages choose their way by these. */
const NOT_IN_NODE = [
  "self",
  "window",
  "location",
  "alert",
  "confirm",
  "prompt",
  "caches",
  "localStorage",
  "sessionStorage",
  "navigator",
  "onerror",
  "onload",
  "onunload",
  "onbeforeunload",
  "close",
  "closed",
  "name",
];

type Global = Record<PropertyKey, unknown>;

/** Makes the global object what tests expect, and gives a function that undoes it and all that they changed. */
export function enterEnvironment(
  config: JestConfig,
  testPath: string,
  code: string,
  onStray: (error: unknown) => void,
): () => void {
  const before = Object.getOwnPropertyDescriptors(globalThis) as Record<PropertyKey, PropertyDescriptor>;
  const env = { ...process.env };
  const folder = process.cwd();
  for (const name of NOT_IN_NODE) Reflect.deleteProperty(globalThis, name);
  // Tests call `unref()` on what they get.
  const { clearTimeout, clearInterval, clearImmediate } = timers;
  define({ clearTimeout, clearInterval, clearImmediate });
  for (const name of ["setTimeout", "setInterval", "setImmediate"] as const) define({ [name]: caught(name, onStray) });
  define(config.globals);
  process.env.NODE_ENV ??= "test";
  process.env.JEST_WORKER_ID ??= "1";
  const asked = /@jest-environment\s+(\S+)/.exec(code.slice(0, 2000))?.[1] ?? config.testEnvironment;
  const closeWindow = /jsdom/.test(asked) ? enterWindow(testPath) : null;
  return () => {
    closeWindow?.();
    for (const key of Reflect.ownKeys(globalThis)) {
      if (!Object.hasOwn(before, key)) Reflect.deleteProperty(globalThis, key);
    }
    for (const key of Reflect.ownKeys(before)) {
      const { value, get } = Object.getOwnPropertyDescriptor(globalThis, key) ?? {};
      const known = before[key] as PropertyDescriptor;
      if (known.configurable && (value !== known.value || get !== known.get || !Object.hasOwn(globalThis, key))) {
        Object.defineProperty(globalThis, key, known);
      } else if (known.writable && value !== known.value) (globalThis as Global)[key] = known.value;
    }
    for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
    Object.assign(process.env, env);
    if (process.cwd() !== folder) process.chdir(folder);
  };
}

/** A timer whose callback may throw: what it throws would end all timers of the process. */
function caught(name: "setTimeout" | "setInterval" | "setImmediate", onStray: (error: unknown) => void): unknown {
  const start = timers[name] as (...args: unknown[]) => unknown;
  function startCaught(run: unknown, ...rest: unknown[]): unknown {
    if (typeof run !== "function") return start(run, ...rest);
    return start(function (this: unknown, ...args: unknown[]) {
      try {
        return Reflect.apply(run, this, args);
      } catch (error) {
        onStray(error);
      }
    }, ...rest);
  }
  Object.defineProperty(startCaught, "name", { value: name });
  return Object.assign(startCaught, { [promisify.custom]: Reflect.get(start, promisify.custom) });
}

/** Global properties that tests may change and remove. */
export function define(values: Global): void {
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(globalThis, name, { value, writable: true, enumerable: true, configurable: true });
  }
}

/** The names of jsdom's window, from the repository's own jsdom. */
function enterWindow(testPath: string): (() => void) | null {
  let JSDOM: new (html: string, options: object) => { window: Global & { close(): void } };
  try {
    const require = createRequire(testPath);
    JSDOM = require(require.resolve("jsdom", { paths: [testPath] })).JSDOM;
  } catch {
    console.error(`Warning: ${testPath} asks for jsdom, which is not installed: it runs without`);
    return null;
  }
  const { window } = new JSDOM("<!DOCTYPE html>", {
    url: "http://localhost/",
    pretendToBeVisual: true,
    runScripts: "dangerously",
  });
  for (const name of Object.getOwnPropertyNames(window)) {
    if (name in globalThis || /^\d/.test(name)) continue;
    Object.defineProperty(globalThis, name, {
      get: () => window[name],
      set: (value) => window[name] = value,
      configurable: true,
    });
  }
  define({
    window: globalThis,
    self: globalThis,
    document: window.document,
    location: window.location,
    navigator: window.navigator,
    localStorage: window.localStorage,
    sessionStorage: window.sessionStorage,
  });
  return () => window.close();
}
