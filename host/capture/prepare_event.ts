/**
 * Validates one event of a request and turns it into the event that plugins see.
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

/** What is the same for all events of a request. */
export interface RequestFacts {
  teamId: number;
  /** "" when unknown or anonymised. */
  ip: string;
  siteUrl: string;
  /** ISO 8601. */
  now: string;
  /** ISO 8601; undefined when the request does not say. Recordings state it for each of their events. */
  sentAt: string | undefined;
  /** The request imports historical events. */
  isHistory?: boolean;
  /** Set by endpoints for one kind of event. */
  eventName: string | undefined;
  /** Bound of one event's JSON in bytes; recordings may be larger. */
  maxEventBytes: number;
  /** What the log takes of any event, recordings too, in bytes. */
  maxStoredBytes: number;
  /** Whether the endpoint accepts session recordings. */
  recordings: boolean;
  newUuid: () => string;
  /** Called, with a code, for everything that was not stored as sent. */
  onRepair?: (code: string, detail: string) => void;
  /** Whether the project's upstream has feature flags, in which case the SDK states which are active. */
  hasFlags: boolean;
}

/** The event for the inbox, or null for an event with an empty name, which is ignored. Throws CaptureError. */
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
  const sent = data.properties ?? {};
  // PHP writes an empty array for an empty object.
  const properties = Array.isArray(sent) && sent.length === 0 ? {} : sent;
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
