/**
 * Counters over time on SQLite.
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { Series, SeriesRow, Step } from "../../observed.ts";
import type { SeriesDatum } from "../../rows.ts";
import { rows, type Sync } from "../sync.ts";

/** See {@linkcode Series}. */
export function createSeries(db: DatabaseSync): Sync<Series> {
  const put = db.prepare(`INSERT INTO series (subject, step, at, run, point) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET point = excluded.point`);
  const ofSubjects = db.prepare(`SELECT subject, at, point FROM series
    WHERE subject IN (SELECT value FROM json_each(?)) AND step = ? AND at >= ? AND at < ? ORDER BY at, subject`);
  // A range that the primary key serves: LIKE would read every subject.
  const ofPrefix = db.prepare(`SELECT subject, at, point FROM series
    WHERE subject >= ? AND subject < ? AND step = ? AND at >= ? AND at < ? ORDER BY at, subject`);
  const prune = db.prepare("DELETE FROM series WHERE step = ? AND at < ?");
  const convert = (step: Step, found: SeriesDatum[]): SeriesRow[] =>
    found.map(({ subject, at, point }) => ({ subject, step, at, point: JSON.parse(point) }));
  return {
    put(run, points) {
      for (const { subject, step, at, point } of points) put.run(subject, step, at, run, JSON.stringify(point));
    },
    read(of, step, from, to) {
      if ("subjects" in of) return convert(step, rows(ofSubjects.all(JSON.stringify(of.subjects), step, from, to)));
      return convert(step, rows(ofPrefix.all(of.prefix, `${of.prefix}\u{10FFFF}`, step, from, to)));
    },
    prune: (step, before) => void prune.run(step, before),
  };
}
