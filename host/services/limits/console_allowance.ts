/**
 * Limits how much one plugin may write to its log, and reports in one line how much was left out.
 * @module
 */

import type { ConsoleLimits } from "./service_limits.ts";
import { createTokenBucket } from "../../token_bucket.ts";

export interface ConsoleAllowance {
  /** False when the line must be left out, in which case it is counted. */
  admits(chars: number): boolean;
  /** Counts lines that were left out before they arrived here. */
  leftOut(lines: number): void;
  /** Reports what was left out, if the last report is long enough ago. */
  remind(): void;
  /** Reports everything that has not been reported yet. */
  close(): void;
}

/** The time between two reports of left-out lines, in milliseconds. */
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
