/**
 * Imported before modules of the sandbox that only ever run in a Worker, it gives them what they take from its global
 * object.
 * @module
 */

Object.defineProperty(globalThis, "postMessage", { value: () => {}, configurable: true, writable: true });
