/**
 * The service's own small settings on SQLite.
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { withoutNul } from "../rows.ts";
import type { Settings } from "../store.ts";
import type { Sync } from "./sync.ts";

/** See {@linkcode Settings}. */
export function createSettings(db: DatabaseSync): Sync<Settings> {
  const get = db.prepare("SELECT value FROM settings WHERE key = ?");
  const list = db.prepare("SELECT key, value FROM settings WHERE substr(key, 1, length(?1)) = ?1");
  const set = db.prepare("INSERT INTO settings VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value");
  const del = db.prepare("DELETE FROM settings WHERE key = ?");
  return {
    get(key) {
      const row = get.get(withoutNul(key));
      return row ? String(row.value) : null;
    },
    list: (prefix) =>
      Object.fromEntries(list.all(withoutNul(prefix)).map(({ key, value }) => [String(key), String(value)])),
    set: (key, value) => void set.run(withoutNul(key), withoutNul(value)),
    del: (key) => void del.run(withoutNul(key)),
  };
}
