/**
 * Publishes log entries and single events to the live feed.
 * @module
 */

import type { NewSighting } from "../../store/observed.ts";
import type { LogEntry } from "../../store/store.ts";
import type { LiveFeed } from "./live_feed.ts";

/** Longer lines are cut here; the log has them in full. */
const MAX_MESSAGE = 4096;

export function publishLog(feed: LiveFeed, entry: LogEntry): void {
  if (!feed.wanted.has("logs")) return;
  const { id, pluginConfigId, teamId, at, source, type, message } = entry;
  const data = {
    id,
    plugin_config_id: pluginConfigId,
    timestamp: new Date(at).toISOString(),
    source,
    type,
    message: message.slice(0, MAX_MESSAGE),
  };
  feed.publish({ topic: "logs", pluginConfigId, teamId, data });
}

/** Without the event's content, which a GET returns. */
export function publishSighting(feed: LiveFeed, sighting: NewSighting): void {
  if (!feed.wanted.has("traces")) return;
  const { kind, teamId, pluginConfigId, uuid, distinctId, name, at } = sighting;
  const data = {
    kind,
    plugin_config_id: pluginConfigId === 0 ? null : pluginConfigId,
    uuid,
    event: name,
    distinct_id: distinctId,
    at: new Date(at).toISOString(),
  };
  feed.publish({ topic: "traces", teamId, ...(pluginConfigId !== 0 && { pluginConfigId }), data });
}
