/**
 * `meta.storage` on SQLite.
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { addToJsonNumber } from "../json_number.ts";
import { notANumber, storageKey } from "../rows.ts";
import type { PluginStorage } from "../store.ts";
import type { Sync } from "./sync.ts";

/** See {@linkcode PluginStorage}. */
export function createPluginStorage(db: DatabaseSync): Sync<PluginStorage> {
  const get = db.prepare("SELECT value FROM plugin_storage WHERE plugin_config_id = ? AND key = ?");
  const set = db.prepare(
    "INSERT INTO plugin_storage VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
  );
  const init = db.prepare("INSERT INTO plugin_storage VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
  const del = db.prepare("DELETE FROM plugin_storage WHERE plugin_config_id = ? AND key = ?");
  const all = db.prepare("SELECT key, value FROM plugin_storage WHERE plugin_config_id = ? ORDER BY key");
  const size = db.prepare(
    "SELECT coalesce(sum(octet_length(key) + octet_length(value)), 0) AS n FROM plugin_storage WHERE plugin_config_id = ?",
  );
  return {
    get(pluginConfigId, key) {
      const row = get.get(pluginConfigId, storageKey(key));
      return row ? String(row.value) : null;
    },
    set: (pluginConfigId, key, value) => void set.run(pluginConfigId, storageKey(key), value),
    init: (pluginConfigId, key, value) => void init.run(pluginConfigId, storageKey(key), value),
    del: (pluginConfigId, key) => void del.run(pluginConfigId, storageKey(key)),
    increment(pluginConfigId, key, by) {
      const row = get.get(pluginConfigId, storageKey(key));
      const sum = row ? addToJsonNumber(String(row.value), by) : by;
      if (sum === null) throw notANumber(key);
      set.run(pluginConfigId, storageKey(key), String(sum));
      return sum;
    },
    all: (pluginConfigId) =>
      Object.fromEntries(all.all(pluginConfigId).map(({ key, value }) => [String(key), String(value)])),
    size: (pluginConfigId) => Number(size.get(pluginConfigId)?.n),
  };
}
