/**
 * Notices a cell that keeps the processor busy while nothing is asked of it. What a plugin leaves behind after its
 * functions have returned, in promises, streams or native threads, can run for ever without a call that could miss
 * its deadline.
 * @module
 */

/** Milliseconds of CPU time that a cell may use at once while it is idle, and in each millisecond in the long run. */
const BURST_MS = 1_000;
const SHARE = 0.5;

export interface IdleCpu {
  /**
   * Takes the CPU time so far. `busy`: there was work since the look before. True when the cell has used more than it
   * may.
   */
  isOverused(cpuMs: number, busy: boolean): boolean;
}

export function createIdleCpu(now: () => number): IdleCpu {
  let left = BURST_MS;
  let seenMs = 0;
  let seenAt = now();
  return {
    isOverused(cpuMs, busy) {
      const at = now();
      const used = busy ? 0 : cpuMs - seenMs;
      left = Math.min(BURST_MS, left + (at - seenAt) * SHARE - used);
      seenMs = cpuMs;
      seenAt = at;
      return left < 0;
    },
  };
}
