/**
 * Dead letters on SQLite.
 * @module
 */

import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import { deadLetterOf, type DeadLetterRow, numberIn, pageOf, withoutNul } from "../rows.ts";
import type { DeadLetters } from "../store.ts";
import { rows, type Sync } from "./sync.ts";

const COLUMNS = "id, team_id, consumer, reason, event, at";

/** See {@linkcode DeadLetters}. */
export function createDeadLetters(db: DatabaseSync, now: () => number): Sync<DeadLetters> {
  const insert = db.prepare("INSERT INTO dead_letters (team_id, consumer, reason, event, at) VALUES (?, ?, ?, ?, ?)");
  const get = db.prepare(`SELECT ${COLUMNS} FROM dead_letters WHERE id = ?`);
  const remove = db.prepare("DELETE FROM dead_letters WHERE id = ?");
  const consumers = db.prepare("SELECT DISTINCT consumer FROM dead_letters");
  const beyond = db.prepare("SELECT id FROM dead_letters WHERE consumer = ? ORDER BY id DESC LIMIT 1 OFFSET ?");
  const drop = db.prepare("DELETE FROM dead_letters WHERE consumer = ? AND (id <= ? OR at < ?)");
  return {
    add(letters) {
      const at = now();
      for (const { teamId, consumer, reason, event } of letters) {
        insert.run(teamId, withoutNul(consumer), withoutNul(reason), withoutNul(event), at);
      }
    },
    list({ teamId, consumer, limit, next }) {
      const where = ["1"];
      const values: SQLInputValue[] = [];
      const add = (sql: string, value: SQLInputValue | undefined) => {
        if (value === undefined) return;
        where.push(sql);
        values.push(value);
      };
      add("team_id = ?", teamId);
      add("consumer = ?", consumer);
      add("id < ?", next === undefined ? undefined : numberIn(next) ?? 0);
      const query = `SELECT ${COLUMNS} FROM dead_letters WHERE ${where.join(" AND ")} ORDER BY id DESC LIMIT ?`;
      const found = rows<DeadLetterRow>(db.prepare(query).all(...values, limit + 1));
      return pageOf(found, limit, (row) => String(row.id), deadLetterOf);
    },
    get(id) {
      const row = get.get(numberIn(id));
      return row ? deadLetterOf(row as unknown as DeadLetterRow) : null;
    },
    prune(keep, before) {
      for (const { consumer } of rows<{ consumer: string }>(consumers.all())) {
        drop.run(consumer, beyond.get(consumer, keep)?.["id"] ?? 0, before);
      }
    },
    remove: (id) => remove.run(numberIn(id)).changes === 1,
  };
}
