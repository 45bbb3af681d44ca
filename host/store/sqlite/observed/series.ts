/**
 * Counters over time on SQLite.
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { Series } from "../../observed.ts";
import { gatherRows } from "../../points.ts";
import type { SeriesDatum } from "../../rows.ts";
import { rows, type Sync } from "../sync.ts";

/** See {@linkcode Series}. */
export function createSeries(db: DatabaseSync): Sync<Series> {
  const put = db.prepare(`INSERT INTO series (subject, step, at, run, point) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET point = excluded.point`);
  // CROSS JOIN fixes the order: subject by subject through the primary key, instead of all subjects of that time.
  const read = db.prepare(`SELECT subject, at, point FROM json_each(?) AS wanted CROSS JOIN series
    ON subject = wanted.value AND step = ? AND at >= ? AND at < ? ORDER BY at, subject`);
  // Steps from one subject to the next through the primary key; DISTINCT would read every row.
  const subjects = db.prepare(`WITH RECURSIVE found (subject) AS (
      SELECT min(subject) FROM series WHERE subject >= :from
      UNION ALL SELECT (SELECT min(subject) FROM series WHERE series.subject > found.subject) FROM found
      WHERE found.subject < :end
    ) SELECT subject FROM found WHERE subject < :end LIMIT :limit`);
  const prune = db.prepare("DELETE FROM series WHERE step = ? AND at < ?");
  return {
    put(run, points) {
      for (const { subject, step, at, point } of points) put.run(subject, step, at, run, JSON.stringify(point));
    },
    read(of, span) {
      return gatherRows(rows<SeriesDatum>(read.all(JSON.stringify(of), span.step, span.from, span.to)), span);
    },
    subjects(prefix, { after, limit }) {
      // A single bound: with two, SQLite would seek to the first and scan to the other.
      const from = after < prefix ? prefix : `${after}\u0001`;
      const found = subjects.all({ from, end: `${prefix}\u{10FFFF}`, limit });
      return rows<{ subject: string }>(found).map(({ subject }) => subject);
    },
    prune: (step, before) => void prune.run(step, before),
  };
}
