/**
 * Yields the thread during long work, so that other requests are answered meanwhile.
 * @module
 */

import { setImmediate } from "node:timers";

/** Resolves when everything that was waiting for the thread has run. */
export function giveWay(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** For loops: returns true about once in `everyMs` milliseconds, when it is time to yield. */
export function createPacer(everyMs = 5): () => boolean {
  let since = performance.now();
  let calls = 0;
  return () => {
    // Reading the clock at every call would cost a tenth of handling a small event.
    if (++calls % 4 !== 0) return false;
    const now = performance.now();
    if (now - since < everyMs) return false;
    since = now;
    return true;
  };
}
