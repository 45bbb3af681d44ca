/**
 * How much one plugin may write to its log, and the one line that says how much was left out.
 * @module
 */

import type { ConsoleLimits } from "./service_limits.ts";
import { createTokenBucket } from "../../token_bucket.ts";

export interface ConsoleAllowance {
  /** False when the line must be left out; it is counted then. */
  admits(chars: number): boolean;
  /** Counts lines that were left out before they came here. */
  leftOut(lines: number): void;
  /** Says what is still to be said, if the last time was long enough ago. */
  remind(): void;
  /** Says what is still to be said. */
  close(): void;
}

/** Between two lines that say how much was left out. */
export const SAY_EVERY_MS = 60_000;

export function createConsoleAllowance(
  limits: ConsoleLimits,
  now: () => number,
  say: (message: string) => void,
): ConsoleAllowance {
  const lines = createTokenBucket(limits.linesPerSecond, limits.linesBurst, now);
  const chars = createTokenBucket(limits.charsPerSecond, limits.charsBurst, now);
  let out = 0;
  let saidAt = -Infinity;

  function leftOut(count: number): void {
    out += count;
    remind();
  }

  function remind(): void {
    if (out === 0 || now() - saidAt < SAY_EVERY_MS) return;
    saidAt = now();
    sayCount();
  }

  function sayCount(): void {
    if (out === 0) return;
    say(
      `This plugin writes more than ${limits.linesPerSecond} log lines or ${limits.charsPerSecond} characters a second: ` +
        `${out} ${out === 1 ? "line was" : "lines were"} left out since this was last said`,
    );
    out = 0;
  }

  return {
    admits(size) {
      if (lines.waitFor(1) > 0 || chars.waitFor(size) > 0) {
        leftOut(1);
        return false;
      }
      lines.take(1);
      chars.take(size);
      return true;
    },
    leftOut,
    remind,
    close: sayCount,
  };
}
