/**
 * Ends things that may hang. Each step has a time limit, and the next one begins whether or not it was exceeded.
 * @module
 */

import type { Clock } from "../clock.ts";

export interface StopStep {
  what: string;
  ms: number;
  stop(): Promise<unknown>;
}

/**
 * Resolves when every step has ended or exceeded its time. A step that fails or is late is reported, and does not
 * prevent the next one.
 */
export async function stopInOrder(
  steps: StopStep[],
  clock: Clock,
  onTrouble: (message: string) => void,
): Promise<void> {
  for (const { what, ms, stop } of steps) {
    const over = new AbortController();
    const late = clock.sleep(ms, over.signal).then(() =>
      over.signal.aborted ? null : `it took more than ${ms / 1000} s`
    );
    const done = stop().then(() => null, (error: unknown) => error instanceof Error ? error.message : String(error));
    const trouble = await Promise.race([done, late]);
    over.abort();
    if (trouble !== null) onTrouble(`Cannot stop ${what} in order: ${trouble}`);
  }
}
