/**
 * Ticks of scheduled tasks on Postgres. One row per task: the newest tick that ran, and the lease of its run.
 * @module
 */

import type { Ticks } from "../store.ts";
import type { RunQuery } from "./connection.ts";

/** See {@linkcode Ticks}. Leases use the hosts' own clocks, which are assumed to agree within a fraction of a lease. */
export function createTicks(run: RunQuery, now: () => number): Ticks {
  function lease(pluginConfigId: number, task: string, owner: string, until: number): Promise<void> {
    return run("always", async (sql) => {
      await sql`UPDATE hogpen.ticks SET lease_until = ${until}
        WHERE plugin_config_id = ${pluginConfigId} AND task = ${task} AND owner = ${owner} AND lease_until > 0`;
    });
  }
  return {
    claim: (pluginConfigId, task, tick, leaseMs, owner) =>
      run("unsent", async (sql) => {
        const at = now();
        const { count } = await sql`
          INSERT INTO hogpen.ticks AS kept VALUES (${pluginConfigId}, ${task}, ${tick}, ${owner}, ${at + leaseMs})
          ON CONFLICT (plugin_config_id, task) DO UPDATE
            SET tick = excluded.tick, owner = excluded.owner, lease_until = excluded.lease_until
            WHERE kept.tick < excluded.tick AND kept.lease_until <= ${at}`;
        return count === 1;
      }),
    extend: (pluginConfigId, task, leaseMs, owner) => lease(pluginConfigId, task, owner, now() + leaseMs),
    finish: (pluginConfigId, task, owner) => lease(pluginConfigId, task, owner, 0),
  };
}
