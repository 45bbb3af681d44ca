/**
 * Single events worth showing, on Postgres.
 * @module
 */

import type { Sightings } from "../../observed.ts";
import { numberIn, pageOf, SIGHTING_COLUMNS, sightingOf, type SightingRow, withoutNul } from "../../rows.ts";
import type { RunQuery } from "../connection.ts";

/** See {@linkcode Sightings}. */
export function createSightings(run: RunQuery): Sightings {
  return {
    add: (sightings) =>
      run("unsent", async (sql) => {
        if (sightings.length === 0) return;
        const rows = sightings.map((each) => ({
          ...each,
          uuid: withoutNul(each.uuid),
          distinctId: withoutNul(each.distinctId),
          name: withoutNul(each.name),
          body: withoutNul(each.body),
        }));
        await sql`INSERT INTO hogpen.sightings (kind, team_id, plugin_config_id, uuid, distinct_id, name, at, body)
          SELECT kind, "teamId", "pluginConfigId", uuid, "distinctId", name, at, body
          FROM json_to_recordset(${JSON.stringify(rows)}::text::json) AS rows (kind text, "teamId" bigint,
            "pluginConfigId" bigint, uuid text, "distinctId" text, name text, at bigint, body text)`;
      }),
    list: ({ kind, teamId, pluginConfigId, uuid, distinctId, name, before, after, limit, next }) =>
      run("always", async (sql) => {
        const rows = await sql<SightingRow[]>`SELECT ${sql.unsafe(SIGHTING_COLUMNS)} FROM hogpen.sightings
          WHERE kind = ${kind}
          ${teamId === undefined ? sql`` : sql`AND team_id = ${teamId}`}
          ${pluginConfigId === undefined ? sql`` : sql`AND plugin_config_id = ${pluginConfigId}`}
          ${uuid === undefined ? sql`` : sql`AND uuid = ${withoutNul(uuid)}`}
          ${distinctId === undefined ? sql`` : sql`AND distinct_id = ${withoutNul(distinctId)}`}
          ${name === undefined ? sql`` : sql`AND name = ${withoutNul(name)}`}
          ${before === undefined ? sql`` : sql`AND at < ${before}`}
          ${after === undefined ? sql`` : sql`AND at > ${after}`}
          ${next === undefined ? sql`` : sql`AND id < ${numberIn(next) ?? 0}`}
          ORDER BY id DESC LIMIT ${limit + 1}`;
        return pageOf(rows, limit, (row) => String(row.id), sightingOf);
      }),
    get: (id) =>
      run("always", async (sql) => {
        const [row] = await sql<SightingRow[]>`SELECT ${sql.unsafe(SIGHTING_COLUMNS)} FROM hogpen.sightings
          WHERE id = ${numberIn(id)}`;
        return row ? sightingOf(row) : null;
      }),
    prune: (kind, bytes, before) =>
      run("always", async (sql) => {
        await sql`DELETE FROM hogpen.sightings WHERE kind = ${kind} AND (at < ${before} OR id IN (
          SELECT id FROM (SELECT id, sum(octet_length(body)) OVER (ORDER BY id DESC) AS bytes FROM hogpen.sightings
            WHERE kind = ${kind}) AS sized WHERE bytes > ${bytes}))`;
      }),
  };
}
