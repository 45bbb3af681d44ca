/**
 * The things that operators made through the API, on SQLite. Each call runs in one transaction (store_database.ts).
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { thingOf, type ThingRow, withoutNul } from "../rows.ts";
import type { Thing, Things } from "../things.ts";
import { rows, type Sync } from "./sync.ts";

const COLUMNS = "kind, id, version, value, updated_at";

/** See {@linkcode Things}. */
export function createThings(db: DatabaseSync, now: () => number): Sync<Things> {
  const list = db.prepare(`SELECT ${COLUMNS} FROM things WHERE kind = ? ORDER BY id`);
  const get = db.prepare(`SELECT ${COLUMNS} FROM things WHERE kind = ? AND id = ?`);
  const put = db.prepare(`INSERT INTO things (${COLUMNS}) VALUES (?, ?, 1, ?, ?)
    ON CONFLICT DO UPDATE SET version = version + 1, value = excluded.value, updated_at = excluded.updated_at
    RETURNING ${COLUMNS}`);
  const remove = db.prepare("DELETE FROM things WHERE kind = ? AND id = ?");
  const stamp = db.prepare(
    "SELECT concat_ws(' ', count(*), sum(version), max(updated_at)) AS stamp FROM things WHERE kind = ?",
  );
  const note = db.prepare("INSERT INTO audit (at, actor, action, target, before, after) VALUES (?, ?, ?, ?, ?, ?)");
  const read = (kind: string, id: string): Thing | null => {
    const row = get.get(kind, id);
    return row ? thingOf(row as unknown as ThingRow) : null;
  };
  return {
    list: (kind) => rows<ThingRow>(list.all(kind)).map(thingOf),
    get: read,
    stamp: (kind) => String(stamp.get(kind)?.stamp),
    change(changes, audit) {
      for (const { kind, id, ifVersion } of changes) {
        if (ifVersion !== undefined && (read(kind, id)?.version ?? 0) !== ifVersion) return { conflict: { kind, id } };
      }
      const at = now();
      const written = changes.flatMap(({ kind, id, value }) => {
        if (value !== null) return [thingOf(put.get(kind, id, withoutNul(value), at) as unknown as ThingRow)];
        remove.run(kind, id);
        return [];
      });
      for (const { actor, action, target, before, after } of audit) {
        note.run(at, withoutNul(actor), action, withoutNul(target), before, after);
      }
      return written;
    },
  };
}
