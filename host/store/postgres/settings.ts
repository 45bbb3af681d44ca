/**
 * The service's own small settings on Postgres.
 * @module
 */

import { withoutNul } from "../rows.ts";
import type { Settings } from "../store.ts";
import type { RunQuery } from "./connection.ts";

/** See {@linkcode Settings}. */
export function createSettings(run: RunQuery): Settings {
  return {
    get: (key) =>
      run("always", async (sql) => {
        const [row] = await sql<{ value: string }[]>`SELECT value FROM hogpen.settings WHERE key = ${withoutNul(key)}`;
        return row?.value ?? null;
      }),
    list: (prefix) =>
      run("always", async (sql) => {
        const rows = await sql<{ key: string; value: string }[]>`SELECT key, value FROM hogpen.settings
          WHERE starts_with(key, ${withoutNul(prefix)})`;
        return Object.fromEntries(rows.map(({ key, value }) => [key, value]));
      }),
    set: (key, value) =>
      run("always", async (sql) => {
        await sql`INSERT INTO hogpen.settings VALUES (${withoutNul(key)}, ${withoutNul(value)})
          ON CONFLICT (key) DO UPDATE SET value = excluded.value`;
      }),
    del: (key) =>
      run("always", async (sql) => {
        await sql`DELETE FROM hogpen.settings WHERE key = ${withoutNul(key)}`;
      }),
  };
}
