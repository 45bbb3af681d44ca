/**
 * Looks into the store once a second for what other hosts, or the command line, changed there, and applies it here.
 * @module
 */

import type { Clock } from "../../clock.ts";

export interface FollowStoreOptions {
  clock: Clock;
  /** One look each; they are independent of one another, and one that fails is done again with the next. */
  looks: readonly (() => Promise<unknown>)[];
  onError(error: unknown): void;
}

const EVERY_MS = 1000;

/** Ends when it is disposed of, after the looks under way. */
export function followStore({ clock, looks, onError }: FollowStoreOptions): AsyncDisposable {
  const stop = new AbortController();

  async function follow(): Promise<void> {
    for (;;) {
      await clock.sleep(EVERY_MS, stop.signal);
      if (stop.signal.aborted) return;
      await Promise.all(looks.map((look) => look().catch(onError)));
    }
  }

  const following = follow();
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await following;
    },
  };
}
