/**
 * The audit on SQLite. Entries are written together with the changes that they describe (things.ts).
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { auditEntryOf, type AuditRow, numberIn, pageOf } from "../rows.ts";
import type { Audit } from "../things.ts";
import { createConditions } from "./conditions.ts";
import { rows, type Sync } from "./sync.ts";

/** See {@linkcode Audit}. */
export function createAudit(db: DatabaseSync): Sync<Audit> {
  const prune = db.prepare("DELETE FROM audit WHERE at < ?");
  return {
    list({ actor, target, action, before, after, limit, next }) {
      const where = createConditions();
      where.add("actor = ?", actor);
      where.add("target = ?", target);
      where.add("action = ?", action);
      where.add("at < ?", before);
      where.add("at > ?", after);
      where.add("id < ?", next === undefined ? undefined : numberIn(next) ?? 0);
      const found = rows<AuditRow>(
        db.prepare(`SELECT * FROM audit WHERE ${where.sql} ORDER BY id DESC LIMIT ?`).all(...where.values, limit + 1),
      );
      return pageOf(found, limit, (row) => String(row.id), auditEntryOf);
    },
    prune: (before) => void prune.run(before),
  };
}
