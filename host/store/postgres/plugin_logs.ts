/**
 * Plugins' log entries on Postgres.
 * @module
 */

import { LOG_COLUMNS, logEntryOf, type LogRow, numbersIn, pageOf, withoutNul } from "../rows.ts";
import type { PluginLogs } from "../store.ts";
import type { RunQuery } from "./connection.ts";

/** See {@linkcode PluginLogs}. */
export function createPluginLogs(run: RunQuery): PluginLogs {
  return {
    append: (entries) =>
      run("unsent", async (sql) => {
        if (entries.length === 0) return;
        // Passed as one JSON text: no limit on the number of parameters, and one plan for any number of entries.
        const rows = entries.map((entry) => ({ ...entry, message: withoutNul(entry.message) }));
        await sql`
          INSERT INTO hogpen.plugin_logs (id, plugin_config_id, team_id, at, source, type, message, instance_id)
          SELECT id, "pluginConfigId", "teamId", at, source, type, message, "instanceId"
          FROM json_to_recordset(${JSON.stringify(rows)}::text::json) AS rows (id text, "pluginConfigId" bigint,
            "teamId" bigint, at bigint, source text, type text, message text, "instanceId" text)`;
      }),
    list: ({ pluginConfigId, types, search, before, after, limit, next }) =>
      run("always", async (sql) => {
        const [at = 0, seq = 0] = numbersIn(next ?? "");
        const rows = await sql<LogRow[]>`
          SELECT ${sql.unsafe(LOG_COLUMNS)} FROM hogpen.plugin_logs WHERE plugin_config_id = ${pluginConfigId}
          ${types ? sql`AND type = ANY (string_to_array(${types.join(",")}, ','))` : sql``}
          ${search ? sql`AND position(${withoutNul(search).toLowerCase()} in lower(message)) > 0` : sql``}
          ${before === undefined ? sql`` : sql`AND at < ${before}`}
          ${after === undefined ? sql`` : sql`AND at > ${after}`}
          ${next === undefined ? sql`` : sql`AND (at, seq) < (${at}, ${seq})`}
          ORDER BY at DESC, seq DESC LIMIT ${limit + 1}`;
        return pageOf(rows, limit, (row) => `${row.at}.${row.seq}`, logEntryOf);
      }),
    prune: (keep, before) =>
      run("always", async (sql) => {
        await sql`DELETE FROM hogpen.plugin_logs WHERE at < ${before}`;
        // Steps from one plugin config to the next; DISTINCT would read every entry of the index.
        await sql`
          WITH RECURSIVE ids (id) AS (
            SELECT min(plugin_config_id) FROM hogpen.plugin_logs UNION ALL
            SELECT (SELECT min(plugin_config_id) FROM hogpen.plugin_logs WHERE plugin_config_id > ids.id)
            FROM ids WHERE id IS NOT NULL
          )
          DELETE FROM hogpen.plugin_logs AS logs USING ids
          CROSS JOIN LATERAL (SELECT at, seq FROM hogpen.plugin_logs WHERE plugin_config_id = ids.id
            ORDER BY at DESC, seq DESC OFFSET ${keep} LIMIT 1) AS first_gone
          WHERE logs.plugin_config_id = ids.id AND (logs.at, logs.seq) <= (first_gone.at, first_gone.seq)`;
      }),
  };
}
