/**
 * Combines numbers by name: counts are summed, and of states the highest is kept.
 * @module
 */

import type { Point, SeriesRow, SeriesSpan } from "./observed.ts";

/** Names of states, as opposed to counts. */
const STATES: ReadonlySet<string> = new Set(["memory_bytes", "in_flight", "lag_events", "lag_seconds"]);

/** Adds `more` to `sum`. */
export function addPoint(sum: Point, more: Point): void {
  for (const [name, value] of Object.entries(more)) {
    const known = sum[name] ?? 0;
    sum[name] = STATES.has(name) ? Math.max(known, value) : known + value;
  }
}

/**
 * What happened between two readings. A count that decreased was restarted in between. States are those of the second
 * reading. Zeros are left out, and the result is null when nothing happened.
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

/** Combines rows that lie in the same part of the span. Rows arrive and leave oldest first. */
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
