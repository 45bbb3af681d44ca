/**
 * Failures by kind on SQLite.
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { Problems } from "../../observed.ts";
import {
  numbersIn,
  pageOf,
  PROBLEM_COLUMNS,
  PROBLEM_LIST_COLUMNS,
  problemOf,
  type ProblemRow,
  withoutNul,
} from "../../rows.ts";
import { createConditions } from "../conditions.ts";
import { rows, type Sync } from "../sync.ts";

/** See {@linkcode Problems}. */
export function createProblems(db: DatabaseSync): Sync<Problems> {
  const add = db.prepare(`INSERT INTO problems (${PROBLEM_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET count = count + excluded.count, last_at = max(last_at, excluded.last_at),
      message = excluded.message, stack = coalesce(excluded.stack, stack), sample = coalesce(excluded.sample, sample)`);
  const get = db.prepare(`SELECT ${PROBLEM_COLUMNS} FROM problems WHERE fingerprint = ?`);
  const remove = db.prepare("DELETE FROM problems WHERE fingerprint = ?");
  const prune = db.prepare(`DELETE FROM problems WHERE last_at < ?1 OR rowid IN (
    SELECT rowid FROM problems ORDER BY last_at DESC LIMIT -1 OFFSET ?2)`);
  return {
    add(problems) {
      for (const each of problems) {
        add.run(
          each.fingerprint,
          each.kind,
          each.teamId,
          each.pluginConfigId,
          withoutNul(each.place),
          withoutNul(each.message),
          each.stack === null ? null : withoutNul(each.stack),
          each.sample === null ? null : withoutNul(each.sample),
          each.count,
          each.firstAt,
          each.lastAt,
        );
      }
    },
    list({ kind, teamId, pluginConfigId, limit, next }) {
      const where = createConditions();
      where.add("kind = ?", kind);
      where.add("team_id = ?", teamId);
      where.add("plugin_config_id = ?", pluginConfigId);
      if (next !== undefined) {
        const [at = 0, row = 0] = numbersIn(next);
        where.add("last_at <= ?", at);
        where.add(`(last_at < ${at} OR rowid < ?)`, row);
      }
      const found = rows<ProblemRow & { rowid: number }>(
        db.prepare(
          `SELECT rowid, ${PROBLEM_LIST_COLUMNS} FROM problems WHERE ${where.sql} ORDER BY last_at DESC, rowid DESC LIMIT ?`,
        ).all(...where.values, limit + 1),
      );
      return pageOf(found, limit, (row) => `${row.last_at}.${row.rowid}`, problemOf);
    },
    get(fingerprint) {
      const row = get.get(fingerprint);
      return row ? problemOf(row as unknown as ProblemRow) : null;
    },
    remove: (fingerprint) => remove.run(fingerprint).changes === 1,
    prune: (keep, before) => void prune.run(before, keep),
  };
}
