/**
 * Deno keeps on the handle of every socket the asynchronous context that it was made in, and a socket shows its handle: a plugin would see,
 * and could change, what the sandbox remembers of calls. Here no handle keeps any. Callbacks of sockets thus belong to no call; promises
 * keep theirs.
 * @module
 */

import { TCP } from "./capture.ts";

/** Before the prototypes of handles are frozen. The socket is one that was never used. */
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
