/**
 * Failures by kind on Postgres.
 * @module
 */

import type { Problems } from "../../observed.ts";
import { pageOf, PROBLEM_COLUMNS, PROBLEM_LIST_COLUMNS, problemOf, type ProblemRow, withoutNul } from "../../rows.ts";
import type { RunQuery } from "../connection.ts";

/** See {@linkcode Problems}. */
export function createProblems(run: RunQuery): Problems {
  return {
    add: (problems) =>
      run("unsent", async (sql) => {
        for (const each of problems) {
          await sql`INSERT INTO hogpen.problems AS kept (${sql.unsafe(PROBLEM_COLUMNS)}) VALUES (${each.fingerprint},
            ${each.kind}, ${each.teamId}, ${each.pluginConfigId}, ${withoutNul(each.place)}, ${
            withoutNul(each.message)
          },
            ${each.stack === null ? null : withoutNul(each.stack)}, ${
            each.sample === null ? null : withoutNul(each.sample)
          }, ${each.count}, ${each.firstAt}, ${each.lastAt})
            ON CONFLICT (fingerprint) DO UPDATE SET count = kept.count + excluded.count,
              last_at = greatest(kept.last_at, excluded.last_at), message = excluded.message,
              stack = coalesce(excluded.stack, kept.stack), sample = coalesce(excluded.sample, kept.sample)`;
        }
      }),
    list: ({ kind, teamId, pluginConfigId, limit, next }) =>
      run("always", async (sql) => {
        const [at = "0", fingerprint = ""] = (next ?? "").split(".");
        const rows = await sql<ProblemRow[]>`SELECT ${sql.unsafe(PROBLEM_LIST_COLUMNS)} FROM hogpen.problems
          WHERE kind = ${kind}
          ${teamId === undefined ? sql`` : sql`AND team_id = ${teamId}`}
          ${pluginConfigId === undefined ? sql`` : sql`AND plugin_config_id = ${pluginConfigId}`}
          ${next === undefined ? sql`` : sql`AND (last_at, fingerprint) < (${Number(at) || 0}, ${fingerprint})`}
          ORDER BY last_at DESC, fingerprint DESC LIMIT ${limit + 1}`;
        return pageOf(rows, limit, (row) => `${row.last_at}.${row.fingerprint}`, problemOf);
      }),
    get: (fingerprint) =>
      run("always", async (sql) => {
        const [row] = await sql<ProblemRow[]>`SELECT ${sql.unsafe(PROBLEM_COLUMNS)} FROM hogpen.problems
          WHERE fingerprint = ${withoutNul(fingerprint)}`;
        return row ? problemOf(row) : null;
      }),
    remove: (fingerprint) =>
      run("unsent", async (sql) => {
        const { count } = await sql`DELETE FROM hogpen.problems WHERE fingerprint = ${withoutNul(fingerprint)}`;
        return count === 1;
      }),
    prune: (keep, before) =>
      run("always", async (sql) => {
        await sql`DELETE FROM hogpen.problems WHERE last_at < ${before} OR fingerprint IN (
          SELECT fingerprint FROM hogpen.problems ORDER BY last_at DESC OFFSET ${keep})`;
      }),
  };
}
