/**
 * The state of plugin configs that is kept between starts, on SQLite.
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { withoutNul } from "../rows.ts";
import type { PluginConfigs } from "../store.ts";
import type { Sync } from "./sync.ts";

/** See {@linkcode PluginConfigs}. */
export function createPluginConfigs(db: DatabaseSync): Sync<PluginConfigs> {
  const get = db.prepare(
    "SELECT disabled_reason, revision, last_error, capabilities FROM plugin_configs WHERE plugin_config_id = ?",
  );
  const put = db.prepare(`INSERT INTO plugin_configs VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    disabled_reason = CASE WHEN ? AND plugin_configs.revision = excluded.revision
      THEN plugin_configs.disabled_reason ELSE excluded.disabled_reason END,
    revision = excluded.revision, last_error = excluded.last_error,
    capabilities = excluded.capabilities`);
  const reasons = db.prepare("SELECT plugin_config_id, revision, disabled_reason FROM plugin_configs");
  return {
    reasons: () =>
      reasons.all().map((row) => ({
        pluginConfigId: Number(row.plugin_config_id),
        revision: String(row.revision),
        disabledReason: row.disabled_reason === null ? null : String(row.disabled_reason),
      })),
    get(pluginConfigId) {
      const row = get.get(pluginConfigId);
      if (!row) return null;
      return {
        pluginConfigId,
        disabledReason: row.disabled_reason === null ? null : String(row.disabled_reason),
        revision: String(row.revision),
        lastError: row.last_error === null ? null : JSON.parse(String(row.last_error)),
        capabilities: row.capabilities === null ? null : JSON.parse(String(row.capabilities)),
      };
    },
    put({ pluginConfigId, disabledReason, revision, lastError, capabilities }, keepReason = false) {
      put.run(
        pluginConfigId,
        disabledReason === null ? null : withoutNul(disabledReason),
        revision,
        lastError === null ? null : JSON.stringify(lastError),
        capabilities === null ? null : JSON.stringify(capabilities),
        keepReason ? 1 : 0,
      );
    },
  };
}
