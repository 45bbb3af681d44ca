/**
 * Takes out of the Worker's global scope what no package needs and no plugin may have. Plugins see their Compartment's
 * globals only; this is the wall behind that one.
 *
 * The timers stay: packages such as pg need them, and plugins cannot reach this scope.
 * `Deno` becomes a stub instead of being deleted: node: built-ins that load later look at it.
 * @module
 */

import process from "node:process";

const REMOVED = [
  "Worker",
  "BroadcastChannel",
  "MessageChannel",
  "MessagePort",
  "postMessage",
  "onmessage",
  "onerror",
  "onunhandledrejection",
  "close",
  "name",
  "location",
  "navigator",
  "caches",
  "Cache",
  "CacheStorage",
  "WebSocket",
  "EventSource",
  "SharedArrayBuffer",
  "Atomics",
  "WebAssembly",
  "Lock",
  "LockManager",
  "reportError",
  "createImageBitmap",
  "OffscreenCanvas",
  "ImageBitmap",
  "ImageBitmapRenderingContext",
  "ImageData",
  "WorkerLocation",
  "WorkerNavigator",
  "NavigatorUAData",
  "WorkerGlobalScope",
  "DedicatedWorkerGlobalScope",
  "nodeBootstrap",
];

const nothing = () => undefined;

function stubDeno(): unknown {
  const { build, errors, version } = Deno;
  return Object.freeze({
    build: Object.freeze({ ...build }),
    errors: Object.freeze({ ...errors }),
    version: Object.freeze({ ...version }),
    env: Object.freeze({ get: nothing, has: () => false, toObject: () => ({}) }),
    noColor: true,
    args: Object.freeze([]),
    cwd: () => "/",
    execPath: () => "/",
  });
}

/** Removes them. What the sandbox needs itself has been captured before. */
export function removeGlobals(): void {
  const scope = globalThis as unknown as Record<string, unknown>;
  for (const name of Object.getOwnPropertyNames(scope)) {
    if (name.startsWith("GPU") || REMOVED.includes(name)) delete scope[name];
  }
  Object.defineProperty(globalThis, "Deno", { value: stubDeno(), writable: false, configurable: false });
  Object.defineProperty(process, "binding", { value: undefined });
  Reflect.deleteProperty(AbortSignal, "timeout");
  Reflect.deleteProperty(URL, "createObjectURL");
  Reflect.deleteProperty(URL, "revokeObjectURL");
  // Output of packages would otherwise reach the cell's stdout or stderr.
  const silent: Record<string, () => void> = {};
  for (const name of Object.keys(console)) silent[name] = nothing;
  Object.defineProperty(globalThis, "console", { value: silent, writable: true, configurable: true });
}
