/**
 * `meta.storage` on Postgres.
 * @module
 */

import { JSON_NUMBER } from "../json_number.ts";
import { notANumber, storageKey } from "../rows.ts";
import type { PluginStorage } from "../store.ts";
import type { RunQuery } from "./connection.ts";

/** See {@linkcode PluginStorage}. */
export function createPluginStorage(run: RunQuery): PluginStorage {
  return {
    get: (pluginConfigId, key) =>
      run("always", async (sql) => {
        const [row] = await sql<{ value: string }[]>`
          SELECT value FROM hogpen.plugin_storage WHERE plugin_config_id = ${pluginConfigId} AND key = ${
          storageKey(key)
        }`;
        return row?.value ?? null;
      }),
    set: (pluginConfigId, key, value) =>
      run("always", async (sql) => {
        await sql`INSERT INTO hogpen.plugin_storage VALUES (${pluginConfigId}, ${storageKey(key)}, ${value})
          ON CONFLICT (plugin_config_id, key) DO UPDATE SET value = excluded.value`;
      }),
    init: (pluginConfigId, key, value) =>
      run("always", async (sql) => {
        await sql`INSERT INTO hogpen.plugin_storage VALUES (${pluginConfigId}, ${storageKey(key)}, ${value})
          ON CONFLICT (plugin_config_id, key) DO NOTHING`;
      }),
    del: (pluginConfigId, key) =>
      run("always", async (sql) => {
        await sql`DELETE FROM hogpen.plugin_storage WHERE plugin_config_id = ${pluginConfigId} AND key = ${
          storageKey(key)
        }`;
      }),
    increment: (pluginConfigId, key, by) =>
      run("unsent", async (sql) => {
        const [row] = await sql<{ value: string }[]>`
          INSERT INTO hogpen.plugin_storage AS kept VALUES (${pluginConfigId}, ${storageKey(key)}, ${String(by)})
          ON CONFLICT (plugin_config_id, key) DO UPDATE
            SET value = (kept.value::numeric + excluded.value::numeric)::text WHERE kept.value ~ ${JSON_NUMBER.source}
          RETURNING value`;
        if (!row) throw notANumber(key);
        return Number(row.value);
      }),
    all: (pluginConfigId) =>
      run("always", async (sql) => {
        const rows = await sql<{ key: string; value: string }[]>`
          SELECT key, value FROM hogpen.plugin_storage WHERE plugin_config_id = ${pluginConfigId} ORDER BY key`;
        return Object.fromEntries(rows.map(({ key, value }) => [key, value]));
      }),
    size: (pluginConfigId) =>
      run("always", async (sql) => {
        const [row] = await sql<[{ n: number }]>`
          SELECT coalesce(sum(octet_length(key) + octet_length(value)), 0)::bigint AS n
          FROM hogpen.plugin_storage WHERE plugin_config_id = ${pluginConfigId}`;
        return row.n;
      }),
  };
}
