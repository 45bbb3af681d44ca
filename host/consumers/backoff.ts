/**
 * How long a consumer waits before it delivers a batch again.
 * @module
 */

import { nextRetryMs } from "../../runtime/retry.ts";

const BASE_MS = 1_000;
const LONGEST_MS = 60_000;
/** A far side that names a later time is asked again after this long all the same. */
const LONGEST_NAMED_MS = 3_600_000;

/**
 * The wait after `failures` failures in a row: 1, 2, 4 … 60 s, shortened at random by up to half, so that consumers
 * which failed together do not come back together. A time that the far side named is kept and never shortened.
 */
export function backoffMs(failures: number, random: () => number, namedMs?: number): number {
  if (namedMs !== undefined) return Math.min(Math.max(namedMs, 0), LONGEST_NAMED_MS);
  const longest = Math.min(nextRetryMs(failures, BASE_MS, 2), LONGEST_MS);
  return longest * (1 - random() / 2);
}
