/**
 * Deno keeps the asynchronous context in which a socket was made on the socket's handle, and a plugin can reach that
 * handle: it could see and change what the sandbox remembers about calls. Here no handle keeps a context. Callbacks
 * of sockets therefore belong to no call; promises keep their context.
 * @module
 */

import { TCP } from "./capture.ts";

/** Called before the prototypes of handles are frozen, with a socket that was never used. */
export function hideContexts(sample: import("node:net").Socket): void {
  sample.on("error", () => {});
  // It waits for an address that never comes, and so goes nowhere.
  sample.connect({ host: "nowhere", port: 1, lookup: () => {} });
  const { _handle: handle } = sample as unknown as { _handle: object };
  const keys = Object.getOwnPropertySymbols(handle).filter(({ description }) => description === "kAsyncContext");
  for (const key of keys) Object.defineProperty(baseOf(TCP.prototype), key, { get: () => undefined, set: () => {} });
  sample.destroy();
}

/** What the handles of all kinds of sockets inherit from. */
function baseOf(prototype: object): object {
  let base = prototype;
  for (let next = base; next !== null && next !== Object.prototype; next = Object.getPrototypeOf(next)) base = next;
  return base;
}
