/**
 * Durations by buckets: what Prometheus and percentiles are made from.
 * @module
 */

import type { Point } from "../store/observed.ts";

/** Upper bounds in milliseconds; the last bucket, of what took longer, has none. */
export const BUCKETS_MS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000] as const;

/** Name of a bucket in a point. */
export function bucketName(index: number): string {
  return `le_${BUCKETS_MS[index] ?? "inf"}`;
}

const NAMES = Array.from({ length: BUCKETS_MS.length + 1 }, (_, index) => bucketName(index));

export function bucketOf(ms: number): number {
  let index = 0;
  while (index < BUCKETS_MS.length && ms > (BUCKETS_MS[index] as number)) index++;
  return index;
}

/** Durations of one kind. */
export interface DurationCounts {
  calls: number;
  ms: number;
  /** Not cumulative: one for each bound, and one for what took longer. */
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

/** The duration below which `part` (0 to 1) of what a point counted lies, within its bucket by proportion; null when it counted none. */
export function percentile(point: Point, part: number): number | null {
  const counts = NAMES.map((name) => point[name] ?? 0);
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let left = total * part;
  for (const [index, count] of counts.entries()) {
    if (count >= left && count > 0) {
      const low = BUCKETS_MS[index - 1] ?? 0;
      // Nothing is known of how far beyond the last bound it lies.
      const high = BUCKETS_MS[index] ?? low;
      return low + (high - low) * (left / count);
    }
    left -= count;
  }
  return BUCKETS_MS.at(-1) ?? null;
}
