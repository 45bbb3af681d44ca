/**
 * The audit on Postgres. Entries are written together with the changes that they describe (things.ts).
 * @module
 */

import { auditEntryOf, type AuditRow, numberIn, pageOf, withoutNul } from "../rows.ts";
import type { Audit } from "../things.ts";
import type { RunQuery } from "./connection.ts";

/** See {@linkcode Audit}. */
export function createAudit(run: RunQuery): Audit {
  return {
    list: ({ actor, target, action, before, after, limit, next }) =>
      run("always", async (sql) => {
        const rows = await sql<AuditRow[]>`SELECT id, at, actor, action, target, before, after FROM hogpen.audit
          WHERE true
          ${actor === undefined ? sql`` : sql`AND actor = ${withoutNul(actor)}`}
          ${target === undefined ? sql`` : sql`AND target = ${withoutNul(target)}`}
          ${action === undefined ? sql`` : sql`AND action = ${withoutNul(action)}`}
          ${before === undefined ? sql`` : sql`AND at < ${before}`}
          ${after === undefined ? sql`` : sql`AND at > ${after}`}
          ${next === undefined ? sql`` : sql`AND id < ${numberIn(next) ?? 0}`}
          ORDER BY id DESC LIMIT ${limit + 1}`;
        return pageOf(rows, limit, (row) => String(row.id), auditEntryOf);
      }),
    prune: (before) =>
      run("always", async (sql) => {
        await sql`DELETE FROM hogpen.audit WHERE at < ${before}`;
      }),
  };
}
