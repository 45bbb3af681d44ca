/**
 * Counters over time on Postgres.
 * @module
 */

import type { Series } from "../../observed.ts";
import { gatherRows } from "../../points.ts";
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
    read: (subjects, span) =>
      run("always", async (sql) => {
        const found = await sql<SeriesDatum[]>`SELECT subject, at, point FROM hogpen.series
          WHERE subject IN (SELECT json_array_elements_text(${JSON.stringify(subjects)}::text::json))
          AND step = ${span.step} AND at >= ${span.from} AND at < ${span.to} ORDER BY at, subject`;
        return gatherRows(found, span);
      }),
    subjects: (prefix, { after, limit }) =>
      run("always", async (sql) => {
        // Steps from one subject to the next through the primary key; DISTINCT would read every row.
        const found = await sql<{ subject: string }[]>`WITH RECURSIVE found (subject) AS (
            SELECT min(subject) FROM hogpen.series WHERE subject > ${after} AND subject >= ${prefix}
            UNION ALL SELECT (SELECT min(series.subject) FROM hogpen.series WHERE series.subject > found.subject) FROM found
            WHERE starts_with(found.subject, ${prefix})
          ) SELECT subject FROM found WHERE starts_with(subject, ${prefix}) LIMIT ${limit}`;
        return found.map(({ subject }) => subject);
      }),
    prune: (step, before) =>
      run("always", async (sql) => {
        await sql`DELETE FROM hogpen.series WHERE step = ${step} AND at < ${before}`;
      }),
  };
}
