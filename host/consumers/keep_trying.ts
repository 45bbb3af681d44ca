/**
 * Waits out an outage of something that must not be skipped: the event log or the store.
 * @module
 */

import type { Clock } from "../clock.ts";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5_000;

export interface KeepTryingOptions {
  clock: Clock;
  signal: AbortSignal;
  /** Told of each failure. */
  onError(error: unknown): void;
}

/** Runs the action until it succeeds, with growing pauses. Rejects with the signal's reason once that is aborted. */
export async function keepTrying<T>(action: () => Promise<T>, options: KeepTryingOptions): Promise<T> {
  const { clock, signal, onError } = options;
  for (let waitMs = FIRST_WAIT_MS;; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
    signal.throwIfAborted();
    try {
      return await action();
    } catch (error) {
      signal.throwIfAborted();
      onError(error);
    }
    await clock.sleep(waitMs, signal);
  }
}
