/**
 * Adding up numbers by name: counts are summed, of states the highest is kept.
 * @module
 */

import type { Point, SeriesRow, SeriesSpan } from "./observed.ts";

/** What is a state rather than a count. */
const STATES: ReadonlySet<string> = new Set(["memory_bytes", "in_flight", "lag_events", "lag_seconds"]);

/** Adds `more` to `sum`. */
export function addPoint(sum: Point, more: Point): void {
  for (const [name, value] of Object.entries(more)) {
    const known = sum[name] ?? 0;
    sum[name] = STATES.has(name) ? Math.max(known, value) : known + value;
  }
}

/**
 * What happened between two readings. A count that went back began anew meanwhile. States are those of now; what is 0 is left out, and a
 * reading in which nothing happened is null.
 */
export function differenceOf(before: Point | undefined, now: Point): Point | null {
  const difference: Point = {};
  let any = false;
  for (const [name, value] of Object.entries(now)) {
    const known = before?.[name] ?? 0;
    const change = STATES.has(name) ? value : value >= known ? value - known : value;
    if (change === 0) continue;
    difference[name] = change;
    any = true;
  }
  return any ? difference : null;
}

/** Puts rows together that lie in the same part of the span. Rows come oldest first, and go so. */
export function gatherRows(
  rows: Iterable<{ subject: string; at: number; point: string }>,
  { step, from, every }: SeriesSpan,
): SeriesRow[] {
  const gathered = new Map<string, SeriesRow>();
  for (const { subject, at, point } of rows) {
    const start = from + Math.floor((at - from) / every) * every;
    const key = `${start} ${subject}`;
    const known = gathered.get(key);
    if (known === undefined) gathered.set(key, { subject, step, at: start, point: JSON.parse(point) });
    else addPoint(known.point, JSON.parse(point));
  }
  return [...gathered.values()];
}
