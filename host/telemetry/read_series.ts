/**
 * Answers questions about counters over time. It uses the finest step that is kept for long enough, and combines its
 * points to as many as were asked for.
 * @module
 */

import { type Point, type Series, type SeriesRow, type Step, STEPS } from "../store/observed.ts";
import { percentile } from "./histogram.ts";
import { addPoint } from "../store/points.ts";
import { KEEP_MS, startOf } from "./recorder.ts";

export interface SeriesQuestion {
  subjects: string[];
  /**
   * The names of numbers. `p50_ms`, `p95_ms`, `p99_ms` and `mean_ms` are computed. If empty, all numbers are returned.
   */
  fields: string[];
  from: number;
  to: number;
  /** The most points in each series. */
  points: number;
}

export interface SeriesAnswer {
  from: number;
  /** Milliseconds between two points. */
  every: number;
  /** By subject. `null` where nothing was counted from which the field could be computed. */
  series: { subject: string; fields: Record<string, (number | null)[]> }[];
}

/** Subjects in character order. */
export interface SubjectPage {
  subjects: string[];
  /** Where the next page begins; null if this is the last one. */
  next: string | null;
}

const DERIVED: Record<string, (point: Point) => number | null> = {
  p50_ms: (point) => percentile(point, 0.5),
  p95_ms: (point) => percentile(point, 0.95),
  p99_ms: (point) => percentile(point, 0.99),
  mean_ms: (point) => point["calls"] ? (point["ms"] ?? 0) / point["calls"] : null,
};

/** Finds subjects by name, or all that begin with what precedes a `*`. */
export async function findSubjects(
  series: Pick<Series, "subjects">,
  patterns: readonly string[],
  { after, limit }: { after: string; limit: number },
): Promise<SubjectPage> {
  const found = await Promise.all(patterns.map((pattern) => {
    if (pattern.endsWith("*")) return series.subjects(pattern.slice(0, -1), { after, limit: limit + 1 });
    return pattern > after ? [pattern] : [];
  }));
  const all = [...new Set(found.flat())].sort((one, other) => one < other ? -1 : 1);
  const subjects = all.slice(0, limit);
  return { subjects, next: all.length > limit ? subjects.at(-1) ?? null : null };
}

export async function readSeries(
  series: Pick<Series, "read">,
  question: SeriesQuestion,
  now: number,
): Promise<SeriesAnswer> {
  const step = stepFor(question, now);
  const stepMs = step * 1000;
  const first = startOf(step, question.from);
  const steps = Math.max(1, Math.ceil((question.to - first) / stepMs));
  const every = stepMs * Math.ceil(steps / question.points);
  const count = Math.ceil(steps * stepMs / every);
  const rows = await series.read(question.subjects, { step, from: first, to: question.to, every });
  const bySubject = Map.groupBy(rows, ({ subject }) => subject);
  return {
    from: first,
    every,
    series: Array.from(bySubject, ([subject, own]) => ({
      subject,
      fields: fieldsOf(own, question.fields, first, every, count),
    })).sort((a, b) => a.subject < b.subject ? -1 : 1),
  };
}

/** Sums of what was counted between two times, by subject. */
export async function readTotals(
  series: Pick<Series, "read">,
  { subjects, fields, from, to }: Omit<SeriesQuestion, "points">,
  now: number,
): Promise<{ subject: string; fields: Record<string, number | null> }[]> {
  const answer = await readSeries(series, { subjects, fields, from, to, points: 1 }, now);
  return answer.series.map(({ subject, fields }) => ({
    subject,
    fields: Object.fromEntries(Object.entries(fields).map(([name, [value]]) => [name, value ?? null])),
  }));
}

/** The finest step that reaches back far enough and is not finer than needed. */
function stepFor({ from, to, points }: SeriesQuestion, now: number): Step {
  const kept = STEPS.filter((step) => now - KEEP_MS[step] <= from);
  const needed = (to - from) / points / 1000;
  return kept.findLast((step) => step <= needed) ?? kept[0] ?? STEPS[STEPS.length - 1] as Step;
}

function fieldsOf(rows: SeriesRow[], wanted: string[], first: number, every: number, count: number) {
  const points = Array.from({ length: count }, (): Point => ({}));
  for (const { at, point } of rows) {
    const sum = points[Math.floor((at - first) / every)];
    if (sum !== undefined) addPoint(sum, point);
  }
  const names = wanted.length > 0
    ? wanted
    : [...new Set(points.flatMap((point) => Object.keys(point)))].filter((name) => !name.startsWith("le_"));
  return Object.fromEntries(names.map((name) => {
    const derive = Object.hasOwn(DERIVED, name) ? DERIVED[name] : undefined;
    return [name, points.map((point) => derive ? round(derive(point)) : round(point[name] ?? 0))];
  }));
}

function round(value: number | null): number | null {
  return value === null ? null : Math.round(value * 100) / 100;
}
