/**
 * Single events worth showing, on SQLite.
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { Sightings } from "../../observed.ts";
import { numberIn, pageOf, SIGHTING_COLUMNS, sightingOf, type SightingRow, withoutNul } from "../../rows.ts";
import { createConditions } from "../conditions.ts";
import { rows, type Sync } from "../sync.ts";

/** See {@linkcode Sightings}. */
export function createSightings(db: DatabaseSync): Sync<Sightings> {
  const insert = db.prepare(`INSERT INTO sightings (kind, team_id, plugin_config_id, uuid, distinct_id, name, at, body)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)`);
  const get = db.prepare(`SELECT ${SIGHTING_COLUMNS} FROM sightings WHERE id = ?`);
  const prune = db.prepare(`DELETE FROM sightings WHERE kind = ?1 AND (at < ?2 OR id IN (
    SELECT id FROM (SELECT id, sum(octet_length(body)) OVER (ORDER BY id DESC) AS bytes FROM sightings WHERE kind = ?1)
    WHERE bytes > ?3))`);
  return {
    add(sightings) {
      for (const { kind, teamId, pluginConfigId, uuid, distinctId, name, at, body } of sightings) {
        insert.run(
          kind,
          teamId,
          pluginConfigId,
          withoutNul(uuid),
          withoutNul(distinctId),
          withoutNul(name),
          at,
          withoutNul(body),
        );
      }
    },
    list(filter) {
      const where = createConditions();
      where.add("kind = ?", filter.kind);
      where.add("team_id = ?", filter.teamId);
      where.add("plugin_config_id = ?", filter.pluginConfigId);
      where.add("uuid = ?", filter.uuid);
      where.add("distinct_id = ?", filter.distinctId);
      where.add("name = ?", filter.name);
      where.add("at < ?", filter.before);
      where.add("at > ?", filter.after);
      where.add("id < ?", filter.next === undefined ? undefined : numberIn(filter.next) ?? 0);
      const found = rows<SightingRow>(
        db.prepare(`SELECT ${SIGHTING_COLUMNS} FROM sightings WHERE ${where.sql} ORDER BY id DESC LIMIT ?`)
          .all(...where.values, filter.limit + 1),
      );
      return pageOf(found, filter.limit, (row) => String(row.id), sightingOf);
    },
    get(id) {
      const row = get.get(numberIn(id));
      return row ? sightingOf(row as unknown as SightingRow) : null;
    },
    prune: (kind, bytes, before) => void prune.run(kind, before, bytes),
  };
}
