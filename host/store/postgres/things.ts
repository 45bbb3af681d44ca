/**
 * The things that operators made through the API, on Postgres. A change of several things locks the rows of their kinds
 * for its transaction.
 * @module
 */

import { thingOf, type ThingRow, withoutNul } from "../rows.ts";
import type { Things } from "../things.ts";
import type { RunQuery } from "./connection.ts";

/** Serialises changes: two hosts that change the same thing must not both find it unchanged. */
const LOCK = 0x486f6754;

/** See {@linkcode Things}. */
export function createThings(run: RunQuery, now: () => number): Things {
  return {
    list: (kind) =>
      run("always", async (sql) => {
        const rows = await sql<ThingRow[]>`SELECT kind, id, version, value, updated_at FROM hogpen.things
          WHERE kind = ${kind} ORDER BY id`;
        return rows.map(thingOf);
      }),
    get: (kind, id) =>
      run("always", async (sql) => {
        const [row] = await sql<ThingRow[]>`SELECT kind, id, version, value, updated_at FROM hogpen.things
          WHERE kind = ${kind} AND id = ${withoutNul(id)}`;
        return row ? thingOf(row) : null;
      }),
    stamp: (kind) =>
      run("always", async (sql) => {
        const [row] = await sql<{ stamp: string }[]>`
          SELECT concat_ws(' ', count(*), sum(version), max(updated_at)) AS stamp FROM hogpen.things WHERE kind = ${kind}`;
        return row?.stamp ?? "";
      }),
    change: (changes, audit) =>
      run("unsent", (sql) =>
        sql.begin(async (sql) => {
          await sql`SELECT pg_advisory_xact_lock(${LOCK})`;
          for (const { kind, id, ifVersion } of changes) {
            if (ifVersion === undefined) continue;
            const [row] = await sql<{ version: number }[]>`SELECT version FROM hogpen.things
              WHERE kind = ${kind} AND id = ${withoutNul(id)}`;
            if ((row?.version ?? 0) !== ifVersion) return { conflict: { kind, id } };
          }
          const at = now();
          const written = [];
          for (const { kind, id, value } of changes) {
            if (value === null) {
              await sql`DELETE FROM hogpen.things WHERE kind = ${kind} AND id = ${withoutNul(id)}`;
              continue;
            }
            const [row] = await sql<[ThingRow]>`
              INSERT INTO hogpen.things AS kept (kind, id, version, value, updated_at)
              VALUES (${kind}, ${withoutNul(id)}, 1, ${withoutNul(value)}, ${at})
              ON CONFLICT (kind, id) DO UPDATE SET version = kept.version + 1, value = excluded.value,
                updated_at = excluded.updated_at
              RETURNING kind, id, version, value, updated_at`;
            written.push(thingOf(row));
          }
          for (const { actor, action, target, before, after } of audit) {
            await sql`INSERT INTO hogpen.audit (at, actor, action, target, before, after)
              VALUES (${at}, ${withoutNul(actor)}, ${action}, ${withoutNul(target)}, ${before}, ${after})`;
          }
          return written;
        })),
  };
}
