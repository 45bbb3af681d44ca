/**
 * Checks the store once a second for changes that other hosts or the command line made, and applies them here.
 * @module
 */

import type { Clock } from "../../clock.ts";
import { wordsOf } from "../notices.ts";

export interface FollowStoreOptions {
  clock: Clock;
  /** The checks to run. They are independent of each other, and one that fails is repeated next time. */
  looks: readonly (() => Promise<unknown>)[];
  /** Called once while checks keep failing with the same message. */
  onError(error: unknown): void;
}

const EVERY_MS = 1000;

/** Ends when it is disposed of, once the checks in progress have finished. */
export function followStore({ clock, looks, onError }: FollowStoreOptions): AsyncDisposable {
  const stop = new AbortController();
  let said: string | null = null;

  async function lookAtAll(): Promise<void> {
    const looked = await Promise.allSettled(looks.map((look) => look()));
    const failed = looked.find((each) => each.status === "rejected");
    const words = failed === undefined ? null : wordsOf(failed.reason);
    if (failed !== undefined && words !== said) onError(failed.reason);
    said = words;
  }

  async function follow(): Promise<void> {
    for (;;) {
      await clock.sleep(EVERY_MS, stop.signal);
      if (stop.signal.aborted) return;
      await lookAtAll();
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
