/**
 * Counters over time on Postgres.
 * @module
 */

import type { Series } from "../../observed.ts";
import type { SeriesDatum } from "../../rows.ts";
import type { RunQuery } from "../connection.ts";

/** See {@linkcode Series}. */
export function createSeries(run: RunQuery): Series {
  return {
    put: (hostRun, points) =>
      run("always", async (sql) => {
        if (points.length === 0) return;
        await sql`INSERT INTO hogpen.series (subject, step, at, run, point)
          SELECT subject, step, at, ${hostRun}, point FROM json_to_recordset(${
          JSON.stringify(points.map((row) => ({ ...row, point: JSON.stringify(row.point) })))
        }::text::json) AS rows (subject text, step bigint, at bigint, point text)
          ON CONFLICT (subject, step, at, run) DO UPDATE SET point = excluded.point`;
      }),
    read: (of, step, from, to) =>
      run("always", async (sql) => {
        const found = await sql<SeriesDatum[]>`SELECT subject, at, point FROM hogpen.series WHERE step = ${step}
          AND at >= ${from} AND at < ${to} AND ${
          "subjects" in of
            ? sql`subject IN (SELECT json_array_elements_text(${JSON.stringify(of.subjects)}::text::json))`
            : sql`starts_with(subject, ${of.prefix})`
        } ORDER BY at, subject`;
        return found.map(({ subject, at, point }) => ({ subject, step, at, point: JSON.parse(point) }));
      }),
    prune: (step, before) =>
      run("always", async (sql) => {
        await sql`DELETE FROM hogpen.series WHERE step = ${step} AND at < ${before}`;
      }),
  };
}
