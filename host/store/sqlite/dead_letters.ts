/**
 * Dead letters on SQLite.
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { DEAD_LETTER_GROUP, deadLetterOf, type DeadLetterRow, numberIn, pageOf, withoutNul } from "../rows.ts";
import type { DeadLetterGroup, DeadLetters, DeadLetterSelection } from "../store.ts";
import { type Conditions, createConditions } from "./conditions.ts";
import { rows, type Sync } from "./sync.ts";

const COLUMNS = "id, team_id, consumer, reason, event, at";

/** See {@linkcode DeadLetters}. */
export function createDeadLetters(db: DatabaseSync, now: () => number): Sync<DeadLetters> {
  const insert = db.prepare("INSERT INTO dead_letters (team_id, consumer, reason, event, at) VALUES (?, ?, ?, ?, ?)");
  const get = db.prepare(`SELECT ${COLUMNS} FROM dead_letters WHERE id = ?`);
  const edit = db.prepare("UPDATE dead_letters SET event = ? WHERE id = ?");
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
    list({ limit, next, ...selection }) {
      const where = select(selection);
      where.add("id < ?", next === undefined ? undefined : numberIn(next) ?? 0);
      const query = `SELECT ${COLUMNS} FROM dead_letters WHERE ${where.sql} ORDER BY id DESC LIMIT ?`;
      const found = rows<DeadLetterRow>(db.prepare(query).all(...where.values, limit + 1));
      return pageOf(found, limit, (row) => String(row.id), deadLetterOf);
    },
    total(selection) {
      const where = select(selection);
      return Number(db.prepare(`SELECT count(*) AS n FROM dead_letters WHERE ${where.sql}`).get(...where.values)?.n);
    },
    groups(selection, limit) {
      const where = select(selection);
      return rows<DeadLetterGroup>(
        db.prepare(`SELECT ${DEAD_LETTER_GROUP} FROM dead_letters WHERE ${where.sql}
          GROUP BY team_id, consumer, reason ORDER BY count DESC, "latestAt" DESC LIMIT ?`).all(...where.values, limit),
      );
    },
    edit: (id, event) => edit.run(withoutNul(event), numberIn(id)).changes === 1,
    removeAll(selection) {
      const where = select(selection);
      return Number(db.prepare(`DELETE FROM dead_letters WHERE ${where.sql}`).run(...where.values).changes);
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

function select({ teamId, consumer, reason, before, after }: DeadLetterSelection): Conditions {
  const where = createConditions();
  where.add("team_id = ?", teamId);
  where.add("consumer = ?", consumer);
  where.add("reason = ?", reason);
  where.add("at < ?", before);
  where.add("at > ?", after);
  return where;
}
