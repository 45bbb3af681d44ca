/**
 * Plugins' log entries on SQLite.
 * @module
 */

import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import { LOG_COLUMNS, logEntryOf, type LogRow, numbersIn, pageOf, withoutNul } from "../rows.ts";
import type { PluginLogs } from "../store.ts";
import { rows, type Sync } from "./sync.ts";

/** See {@linkcode PluginLogs}. */
export function createPluginLogs(db: DatabaseSync): Sync<PluginLogs> {
  // SQLite's own lower() only handles ASCII.
  db.function("fold", { deterministic: true }, (text) => String(text).toLowerCase());
  const insert = db.prepare(`
    INSERT INTO plugin_logs (id, plugin_config_id, team_id, at, source, type, message, instance_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`);
  // Steps from one plugin config to the next; DISTINCT would read every entry of the index.
  const pluginConfigs = db.prepare(`
    WITH RECURSIVE ids (id) AS (
      SELECT min(plugin_config_id) FROM plugin_logs UNION ALL
      SELECT (SELECT min(plugin_config_id) FROM plugin_logs WHERE plugin_config_id > ids.id) FROM ids WHERE id IS NOT NULL
    ) SELECT id FROM ids WHERE id IS NOT NULL`);
  const pruneCount = db.prepare(`
    DELETE FROM plugin_logs WHERE plugin_config_id = ?1 AND seq IN (
      SELECT seq FROM plugin_logs WHERE plugin_config_id = ?1 ORDER BY at DESC, seq DESC LIMIT -1 OFFSET ?2)`);
  const pruneAge = db.prepare("DELETE FROM plugin_logs WHERE at < ?");
  return {
    append(entries) {
      for (const { id, pluginConfigId, teamId, at, source, type, message, instanceId } of entries) {
        insert.run(id, pluginConfigId, teamId, at, source, type, withoutNul(message), instanceId);
      }
    },
    list({ pluginConfigId, types, search, before, after, limit, next }) {
      const where = ["plugin_config_id = ?"];
      const values: SQLInputValue[] = [pluginConfigId];
      const add = (sql: string, ...more: SQLInputValue[]) => {
        where.push(sql);
        values.push(...more);
      };
      if (types) add("type IN (SELECT value FROM json_each(?))", JSON.stringify(types));
      if (search) add("instr(fold(message), ?) > 0", withoutNul(search).toLowerCase());
      if (before !== undefined) add("at < ?", before);
      if (after !== undefined) add("at > ?", after);
      if (next !== undefined) {
        const [at = 0, seq = 0] = numbersIn(next);
        add("(at, seq) < (?, ?)", at, seq);
      }
      const query = `SELECT ${LOG_COLUMNS} FROM plugin_logs WHERE ${
        where.join(" AND ")
      } ORDER BY at DESC, seq DESC LIMIT ?`;
      const found = rows<LogRow>(db.prepare(query).all(...values, limit + 1));
      return pageOf(found, limit, (row) => `${row.at}.${row.seq}`, logEntryOf);
    },
    prune(keep, before) {
      pruneAge.run(before);
      for (const { id } of rows<{ id: number }>(pluginConfigs.all())) pruneCount.run(id, keep);
    },
  };
}
