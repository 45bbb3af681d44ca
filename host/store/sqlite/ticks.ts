/**
 * Ticks of scheduled tasks on SQLite.
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { Ticks } from "../store.ts";
import type { Sync } from "./sync.ts";

/** See {@linkcode Ticks}. One row per task: the newest tick that ran, and the lease of its run. */
export function createTicks(db: DatabaseSync, now: () => number): Sync<Ticks> {
  const claim = db.prepare(`INSERT INTO ticks VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    tick = excluded.tick, owner = excluded.owner, lease_until = excluded.lease_until
    WHERE ticks.tick < excluded.tick AND ticks.lease_until <= ?`);
  const lease = db.prepare(
    "UPDATE ticks SET lease_until = ? WHERE plugin_config_id = ? AND task = ? AND owner = ? AND lease_until > 0",
  );
  return {
    claim(pluginConfigId, task, tick, leaseMs, owner) {
      const at = now();
      return claim.run(pluginConfigId, task, tick, owner, at + leaseMs, at).changes === 1;
    },
    extend: (pluginConfigId, task, leaseMs, owner) => void lease.run(now() + leaseMs, pluginConfigId, task, owner),
    finish: (pluginConfigId, task, owner) => void lease.run(0, pluginConfigId, task, owner),
  };
}
