/**
 * The state of plugin configs that is kept between starts, on Postgres.
 * @module
 */

import { withoutNul } from "../rows.ts";
import type { DisabledReason, PluginConfigs } from "../store.ts";
import type { RunQuery } from "./connection.ts";

interface Row {
  disabled_reason: string | null;
  revision: string;
  last_error: string | null;
  capabilities: string | null;
}

/** See {@linkcode PluginConfigs}. */
export function createPluginConfigs(run: RunQuery): PluginConfigs {
  return {
    get: (pluginConfigId) =>
      run("always", async (sql) => {
        const [row] = await sql<Row[]>`SELECT disabled_reason, revision, last_error, capabilities
          FROM hogpen.plugin_configs WHERE plugin_config_id = ${pluginConfigId}`;
        if (!row) return null;
        return {
          pluginConfigId,
          disabledReason: row.disabled_reason,
          revision: row.revision,
          lastError: row.last_error === null ? null : JSON.parse(row.last_error),
          capabilities: row.capabilities === null ? null : JSON.parse(row.capabilities),
        };
      }),
    reasons: () =>
      run("always", async (sql) =>
        await sql<DisabledReason[]>`SELECT plugin_config_id AS "pluginConfigId", revision,
          disabled_reason AS "disabledReason" FROM hogpen.plugin_configs`),
    put: ({ pluginConfigId, disabledReason, revision, lastError, capabilities }, keepReason = false) =>
      run("always", async (sql) => {
        await sql`INSERT INTO hogpen.plugin_configs AS kept VALUES (${pluginConfigId},
          ${disabledReason === null ? null : withoutNul(disabledReason)}, ${revision},
          ${lastError === null ? null : JSON.stringify(lastError)},
          ${capabilities === null ? null : JSON.stringify(capabilities)})
          ON CONFLICT (plugin_config_id) DO UPDATE SET
            disabled_reason = CASE WHEN ${keepReason} AND kept.revision = excluded.revision
              THEN kept.disabled_reason ELSE excluded.disabled_reason END,
            revision = excluded.revision, last_error = excluded.last_error, capabilities = excluded.capabilities`;
      }),
  };
}
