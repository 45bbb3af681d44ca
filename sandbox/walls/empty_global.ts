/**
 * Empties the Worker's global object and freezes it: behind it lies nothing, even for whoever gets hold of it. Packages have what they
 * need of it in their scope, and the sandbox captured its own before.
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

/** What Node's built-in modules look at by name, in a harmless form. */
const STUBS: Record<string, () => object> = {
  process: () => createPackageProcess(Object.freeze({})),
  // What http2 does a little later; as a timer it would be one for whoever finds it here.
  setImmediate: () => soon,
  global: () => ({}),
  performance: createPackagePerformance,
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
