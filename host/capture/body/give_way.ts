/**
 * Giving the thread back in the midst of long work, so that other requests are answered meanwhile.
 * @module
 */

import { setImmediate } from "node:timers";

/** Resolves when everything that was waiting for the thread has had its turn. */
export function giveWay(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** For loops: called for each piece of work, it says once in this many milliseconds that it is time to give way. */
export function createPacer(everyMs = 5): () => boolean {
  let since = performance.now();
  let calls = 0;
  return () => {
    // The clock costs a tenth of a small event.
    if (++calls % 4 !== 0) return false;
    const now = performance.now();
    if (now - since < everyMs) return false;
    since = now;
    return true;
  };
}
