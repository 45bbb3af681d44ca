/**
 * Checking one event of a request and making it the event that plugins see.
 * @module
 */

import { cutDistinctId } from "../../runtime/events/distinct_id.ts";
import type { PluginEvent } from "../../runtime/events/event.ts";
import { formPluginEvent, type SentEvent } from "../../runtime/events/form_plugin_event.ts";
import { isRecord } from "../../runtime/is_record.ts";
import { textOf } from "../../runtime/events/normalize_event.ts";
import { parseUuid } from "../../runtime/events/uuid.ts";
import { readTime } from "./body/read_events.ts";
import { invalidPayload, nobody } from "./capture_error.ts";
import { findRepairs } from "./repairs.ts";
import { standsForNobody } from "./nobody.ts";

/** What all events of one request share. */
export interface RequestFacts {
  teamId: number;
  /** "" when unknown or anonymised. */
  ip: string;
  siteUrl: string;
  /** ISO 8601. */
  now: string;
  /** ISO 8601; undefined when the request does not say. Recordings say it of each of their events. */
  sentAt: string | undefined;
  /** The request is a migration of history. */
  isHistory?: boolean;
  /** Set by endpoints that stand for one kind of event. */
  eventName: string | undefined;
  /** Bound of one event's JSON; recordings may be larger. */
  maxEventBytes: number;
  /** The endpoint takes session recordings. */
  recordings: boolean;
  newUuid: () => string;
  /** Told of what is not taken as it was sent, with a code. */
  onRepair?: (code: string, detail: string) => void;
  /** The project's upstream has flags: which are active is the SDK's to say. */
  hasFlags: boolean;
}

/** The event for the inbox, or null for an event with an empty name, which is passed over. Throws CaptureError. */
export function prepareEvent(data: unknown, facts: RequestFacts): PluginEvent | null {
  if (!isRecord(data)) throw invalidPayload("Invalid payload: Every event must be an object!");
  const properties = checkProperties(data);
  const distinctId = readDistinctId(data, properties);
  const name = facts.eventName ?? data.event;
  if (name === undefined || name === null) {
    throw invalidPayload('Invalid payload: All events must have the event name field "event"!');
  }
  if (typeof name !== "string") throw invalidPayload('Invalid payload: Event field "event" must be a string!');
  if (name === "") return null;
  const uuid = readUuid(data) ?? facts.newUuid();
  if (name === "$snapshot") checkSnapshot(properties, facts.recordings);
  if (!facts.hasFlags && properties.$lib === "web" && properties.$active_feature_flags === undefined) {
    // The service has no feature flags, so none is active.
    properties.$active_feature_flags = [];
  }
  const sent: SentEvent = Object.assign(data, { event: name });
  const sentAt = facts.sentAt ?? readTime(data.sent_at);
  delete sent.historical_migration;
  if (facts.isHistory) sent.historical_migration = true;
  for (const { code, detail } of findRepairs(sent, sentAt, facts.now)) facts.onRepair?.(code, detail);
  return formPluginEvent(sent, {
    uuid,
    distinct_id: distinctId,
    ip: facts.ip,
    site_url: facts.siteUrl,
    team_id: facts.teamId,
    now: facts.now,
    sent_at: sentAt,
  });
}

function checkProperties(data: Record<string, unknown>): Record<string, unknown> {
  const properties = data.properties ?? {};
  if (!isRecord(properties)) throw invalidPayload('Invalid payload: Event field "properties" must be an object!');
  data.properties = properties;
  return properties;
}

function readDistinctId(data: Record<string, unknown>, properties: Record<string, unknown>): string {
  const found = data.distinct_id ?? data.$distinct_id ?? properties.distinct_id;
  if (found === undefined && data.distinct_id === undefined && data.$distinct_id === undefined) {
    throw invalidPayload('Invalid payload: All events must have the event field "distinct_id"!');
  }
  const text = found === undefined || found === null ? "" : textOf(found);
  if (text.trim() === "") throw invalidPayload('Invalid payload: Event field "distinct_id" should not be blank!');
  if (typeof found === "string" && standsForNobody(text)) throw nobody(text);
  return cutDistinctId(text);
}

function readUuid(data: Record<string, unknown>): string | null {
  const { uuid } = data;
  if (uuid === undefined || uuid === null || uuid === "") return null;
  const parsed = typeof uuid === "string" ? parseUuid(uuid) : null;
  if (parsed === null) throw invalidPayload('Invalid payload: Event field "uuid" is not a valid UUID!');
  return parsed;
}

function checkSnapshot(properties: Record<string, unknown>, recordings: boolean): void {
  if (properties.$snapshot_data === undefined || properties.$snapshot_data === null) {
    throw invalidPayload("Invalid payload: $snapshot events must contain property $snapshot_data!");
  }
  if (!recordings) return;
  if (typeof properties.$session_id !== "string" || properties.$session_id === "") {
    throw invalidPayload("Invalid payload: $snapshot events must contain property $session_id, a string!");
  }
  properties.$window_id ??= properties.$session_id;
}
