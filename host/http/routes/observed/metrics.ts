/**
 * Metrics: over time as series, as totals, and their current values.
 * @module
 */

import { z } from "zod";
import type { Series } from "../../../store/observed.ts";
import { KEEP_MS } from "../../../telemetry/recorder.ts";
import { findSubjects, readSeries, readTotals } from "../../../telemetry/read_series.ts";
import type { Telemetry } from "../../../telemetry/telemetry.ts";
import { invalidInput } from "../../api_error.ts";
import { onceAMoment } from "../../once_a_moment.ts";
import { type Route, route } from "../../route.ts";
import { limitUpTo, listOf, pageIn, pageOf, timeIn, timeOut } from "../../schemas.ts";

const HOUR_MS = 3_600_000;

const listIn = z.string().transform((text) => text.split(",").map((part) => part.trim()).filter((part) => part !== ""));
const subjectIn = listIn.describe(
  "One or more subjects with commas between them: `plugin:39/processEvent` (events), `plugin:39` (cpu_ms, memory_bytes, restarts), " +
    "`consumer:<id>`, `project:1`. With `*` at the end, all that begin so: `plugin:*`.",
);
const fieldsIn = listIn.describe(
  "Which numbers; all when absent. `p50_ms`, `p95_ms`, `p99_ms` and `mean_ms` are worked out from the durations.",
);
/** How many subjects an answer may hold: reading more at once would delay every other request. */
const subjectPageIn = {
  limit: limitUpTo(200, 50),
  next: z.string().default("").describe("`next` of the page before."),
};
/** The most numbers in an answer, so that it stays below 100 KB. */
const MOST_NUMBERS = 8_000;
/** The usual number of fields of a subject, when all are requested. */
const USUAL_FIELDS = 10;
const rangeIn = {
  from: timeIn.optional().describe("An hour ago when absent. Up to 30 days back are kept."),
  to: timeIn.optional().describe("Now when absent."),
};

/** Counters are written every ten seconds, so an answer may be reused for so many milliseconds. */
const STANDS_MS = 1_000;

/** A query about counters over time. */
interface Question {
  subject: string[];
  field?: string[] | undefined;
  from?: number | undefined;
  to?: number | undefined;
  limit: number;
  next: string;
}

const seriesOut = listOf(z.object({
  subject: z.string(),
  fields: z.record(z.string(), z.array(z.number().nullable())).describe("A number for each point."),
})).extend({
  from: timeOut.describe("Of the first point."),
  every_seconds: z.number(),
});
const numbersOut = z.record(z.string(), z.number().nullable());
const totalsOut = listOf(z.object({ subject: z.string(), fields: numbersOut }));

export interface MetricRoutesOptions {
  series: Pick<Series, "read" | "subjects">;
  telemetry: Pick<Telemetry, "read">;
  now: () => number;
}

export function metricRoutes({ series, telemetry, now }: MetricRoutesOptions): Route[] {
  function rangeOf(query: { from?: number | undefined; to?: number | undefined }): { from: number; to: number } {
    const to = Math.min(query.to ?? now(), now());
    const from = Math.max(query.from ?? to - HOUR_MS, now() - KEEP_MS[3600]);
    if (from >= to) throw invalidInput("Cannot read metrics: expected `from` before `to` and before now", "from");
    return { from, to };
  }

  const seriesFor = onceAMoment(async (query: Question & { points: number }) => {
    const range = rangeOf(query);
    const { subjects, next } = await findSubjects(series, query.subject, { after: query.next, limit: query.limit });
    const fields = query.field ?? [];
    const each = Math.floor(MOST_NUMBERS / Math.max(1, subjects.length) / (fields.length || USUAL_FIELDS));
    const points = Math.max(1, Math.min(query.points, each));
    const answer = await readSeries(series, { subjects, fields, points, ...range }, now());
    return { from: answer.from, every_seconds: answer.every / 1000, results: answer.series, next };
  }, { standsMs: STANDS_MS, now });
  const totalsFor = onceAMoment(async (query: Question) => {
    const range = rangeOf(query);
    const { subjects, next } = await findSubjects(series, query.subject, { after: query.next, limit: query.limit });
    return { results: await readTotals(series, { subjects, fields: query.field ?? [], ...range }, now()), next };
  }, { standsMs: STANDS_MS, now });

  return [
    route({
      method: "GET",
      path: "/_hogpen/api/metrics/series",
      summary: "Counters over time: in steps of 10 s for an hour, of a minute for a day, of an hour for 30 days",
      query: {
        subject: subjectIn,
        field: fieldsIn.optional(),
        ...rangeIn,
        points: z.coerce.number("expected a number").int().min(1).max(500).default(120)
          .describe("At most; fewer where the answer would hold too many numbers."),
        ...subjectPageIn,
      },
      response: seriesOut,
      errors: { 400: "`from` is not before `to`" },
      handle: ({ query }) => seriesFor(query),
    }),
    route({
      method: "GET",
      path: "/_hogpen/api/metrics/totals",
      summary: "What was counted in all between two times",
      query: { subject: subjectIn, field: fieldsIn.optional(), ...rangeIn, ...subjectPageIn },
      response: totalsOut,
      errors: { 400: "`from` is not before `to`" },
      handle: ({ query }) => totalsFor(query),
    }),
    route({
      method: "GET",
      path: "/_hogpen/api/metrics/now",
      summary: "Every counter since the start of the service, and every state of this moment",
      query: { subject: subjectIn.optional(), ...pageIn(100) },
      response: totalsOut,
      async handle({ query }) {
        const points = Array.from(await telemetry.read(), ([subject, fields]) => ({ subject, fields }));
        return pageOf(points.filter(({ subject }) => isAsked(subject, query.subject)), query);
      },
    }),
  ];
}

/** Whether a subject was requested; without a list all are. */
function isAsked(subject: string, asked: string[] | undefined): boolean {
  if (asked === undefined) return true;
  return asked.some((each) => each.endsWith("*") ? subject.startsWith(each.slice(0, -1)) : subject === each);
}
