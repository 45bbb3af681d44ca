/**
 * Empties the Worker's global object and freezes it, so that code which gets hold of it finds nothing there. Packages
 * have what they need in their own scope, and the sandbox captured what it uses before.
 * @module
 */

import { queueMicrotask } from "./capture.ts";
import { freezeShared } from "./freeze_shared.ts";
import { newCompartment } from "./lockdown.ts";
import { createPackagePerformance } from "./packages/package_modules.ts";
import { createPackageProcess } from "./packages/package_process.ts";

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

/** What Node's built-in modules look up by name, in a harmless form. */
const STUBS: Record<string, () => object> = {
  process: () => createPackageProcess(Object.freeze({})),
  // http2 defers work with it. A real timer here would be a timer for whoever finds the global object.
  setImmediate: () => soon,
  // crypto's sign and verify call back with it, and never wait.
  setTimeout: () => (callback: () => void, ms = 0) => {
    if (ms > 0) throw new Error("Cannot wait: there are no timers in plugins");
    return soon(callback);
  },
  global: () => ({}),
  performance: createPackagePerformance,
};

function soon(callback: (...args: unknown[]) => void, ...args: unknown[]): object {
  queueMicrotask(() => callback(...args));
  return Object.freeze({});
}

/**
 * Removes everything else from the global object and freezes it. This is the last step, after everything that looks
 * at the global object.
 */
export function emptyGlobal(): void {
  const kept = keptNames();
  // On its first call it looks for the engine's own function by removing itself from the global object for a moment.
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
  for (let each = scope; each !== null; each = Object.getPrototypeOf(each)) {
    Object.freeze(each);
    Object.freeze(each["constructor"]);
  }
  // The web's classes are frozen (lockdown.ts); these are objects.
  for (const name of ["crypto", "Deno", ...Object.keys(STUBS)]) freezeShared(scope[name]);
  freezeShared(crypto.subtle);
}

/** What stays on the global object. */
export function keptNames(): ReadonlySet<string> {
  const language = Object.getOwnPropertyNames(newCompartment({}).globalThis).filter((name) => !OF_SES.has(name));
  return new Set([...KEPT, ...language]);
}

/** Freezes plain objects and lists, and what they hold. */
function freezeTree(value: unknown): void {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const each of Object.values(value)) freezeTree(each);
}
