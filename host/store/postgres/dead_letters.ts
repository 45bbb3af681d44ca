/**
 * Dead letters on Postgres.
 * @module
 */

import { DEAD_LETTER_GROUP, deadLetterOf, type DeadLetterRow, numberIn, pageOf, withoutNul } from "../rows.ts";
import type { DeadLetterGroup, DeadLetters, DeadLetterSelection } from "../store.ts";
import type { Sql } from "./connect.ts";
import type { RunQuery } from "./connection.ts";

/** See {@linkcode DeadLetters}. */
export function createDeadLetters(run: RunQuery, now: () => number): DeadLetters {
  return {
    add: (letters) =>
      run("unsent", async (sql) => {
        if (letters.length === 0) return;
        const rows = letters.map(({ teamId, consumer, reason, event }) => ({
          teamId,
          consumer: withoutNul(consumer),
          reason: withoutNul(reason),
          event: withoutNul(event),
        }));
        await sql`
          INSERT INTO hogpen.dead_letters (team_id, consumer, reason, event, at)
          SELECT "teamId", consumer, reason, event, ${now()}::bigint
          FROM json_to_recordset(${JSON.stringify(rows)}::text::json)
            AS rows ("teamId" bigint, consumer text, reason text, event text)`;
      }),
    list: ({ limit, next, ...selection }) =>
      run("always", async (sql) => {
        const rows = await sql<DeadLetterRow[]>`
          SELECT id, team_id, consumer, reason, event, at FROM hogpen.dead_letters WHERE ${select(sql, selection)}
          ${next === undefined ? sql`` : sql`AND id < ${numberIn(next) ?? 0}`}
          ORDER BY id DESC LIMIT ${limit + 1}`;
        return pageOf(rows, limit, (row) => String(row.id), deadLetterOf);
      }),
    total: (selection) =>
      run("always", async (sql) => {
        const [row] = await sql<[{ n: number }]>`
          SELECT count(*) AS n FROM hogpen.dead_letters WHERE ${select(sql, selection)}`;
        return row.n;
      }),
    groups: (selection, limit) =>
      run("always", async (sql) =>
        await sql<DeadLetterGroup[]>`
          SELECT ${sql.unsafe(DEAD_LETTER_GROUP)} FROM hogpen.dead_letters WHERE ${select(sql, selection)}
          GROUP BY team_id, consumer, reason ORDER BY count DESC, "latestAt" DESC LIMIT ${limit}`),
    edit: (id, event) =>
      run("always", async (sql) => {
        const { count } = await sql`UPDATE hogpen.dead_letters SET event = ${withoutNul(event)}
          WHERE id = ${numberIn(id)}`;
        return count === 1;
      }),
    removeAll: (selection) =>
      run("unsent", async (sql) => {
        const { count } = await sql`DELETE FROM hogpen.dead_letters WHERE ${select(sql, selection)}`;
        return count;
      }),
    get: (id) =>
      run("always", async (sql) => {
        const [row] = await sql<DeadLetterRow[]>`
          SELECT id, team_id, consumer, reason, event, at FROM hogpen.dead_letters WHERE id = ${numberIn(id)}`;
        return row ? deadLetterOf(row) : null;
      }),
    prune: (keep, before) =>
      run("always", async (sql) => {
        await sql`
          DELETE FROM hogpen.dead_letters WHERE at < ${before} OR id IN (
            SELECT id FROM (
              SELECT id, row_number() OVER (PARTITION BY consumer ORDER BY id DESC) AS place FROM hogpen.dead_letters
            ) AS placed WHERE place > ${keep}
          )`;
      }),
    remove: (id) =>
      run("unsent", async (sql) => {
        const { count } = await sql`DELETE FROM hogpen.dead_letters WHERE id = ${numberIn(id)}`;
        return count === 1;
      }),
  };
}

function select(sql: Sql, { teamId, consumer, reason, before, after }: DeadLetterSelection) {
  return sql`true
    ${teamId === undefined ? sql`` : sql`AND team_id = ${teamId}`}
    ${consumer === undefined ? sql`` : sql`AND consumer = ${withoutNul(consumer)}`}
    ${reason === undefined ? sql`` : sql`AND reason = ${withoutNul(reason)}`}
    ${before === undefined ? sql`` : sql`AND at < ${before}`}
    ${after === undefined ? sql`` : sql`AND at > ${after}`}`;
}
