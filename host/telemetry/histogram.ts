/**
 * Histograms of durations, from which percentiles and Prometheus' histograms are made.
 * @module
 */

import type { Point } from "../store/observed.ts";

/** Upper bounds in milliseconds. A last bucket without a bound holds longer durations. */
export const BUCKETS_MS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000] as const;

/** The name of a bucket in a point. */
export function bucketName(index: number): string {
  return `le_${BUCKETS_MS[index] ?? "inf"}`;
}

const NAMES = Array.from({ length: BUCKETS_MS.length + 1 }, (_, index) => bucketName(index));

export function bucketOf(ms: number): number {
  let index = 0;
  while (index < BUCKETS_MS.length && ms > (BUCKETS_MS[index] as number)) index++;
  return index;
}

/** A histogram of durations of one kind. */
export interface DurationCounts {
  calls: number;
  ms: number;
  /** Not cumulative: one bucket for each bound, and one for longer durations. */
  buckets: number[];
}

export function noDurations(): DurationCounts {
  return { calls: 0, ms: 0, buckets: new Array<number>(BUCKETS_MS.length + 1).fill(0) };
}

export function countDuration(counts: DurationCounts, ms: number): void {
  counts.calls++;
  counts.ms += ms;
  counts.buckets[bucketOf(ms)]!++;
}

/**
 * The duration below which `part` (0 to 1) of the counted durations lie, interpolated within its bucket. Null if none
 * were counted.
 */
export function percentile(point: Point, part: number): number | null {
  const counts = NAMES.map((name) => point[name] ?? 0);
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let left = total * part;
  for (const [index, count] of counts.entries()) {
    if (count >= left && count > 0) {
      const low = BUCKETS_MS[index - 1] ?? 0;
      // The last bucket has no upper bound to interpolate to.
      const high = BUCKETS_MS[index] ?? low;
      return low + (high - low) * (left / count);
    }
    left -= count;
  }
  return BUCKETS_MS.at(-1) ?? null;
}
