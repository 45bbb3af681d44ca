/**
 * Records as a consumer reads them from the outbox.
 * @module
 */

import type { StoredRecord } from "../../host/log/event_log.ts";

/** One record per event, with consecutive cursors. Missing fields are filled in. */
export function storedRecords(events: Record<string, unknown>[]): StoredRecord[] {
  return events.map((event, index) => storedRecord({ ...outboxEvent(index), ...event }, index));
}

/** A record whose event is any text, also one that is no event. */
export function storedText(text: string, index: number): StoredRecord {
  return {
    cursor: String(index + 1),
    key: "user",
    at: 1_790_000_000_000 + index,
    event: new TextEncoder().encode(text),
  };
}

/** `count` events of ten people. */
export function manyRecords(count: number): StoredRecord[] {
  return storedRecords(Array.from({ length: count }, (_, index) => ({ distinct_id: `user-${index % 10}` })));
}

function storedRecord(event: Record<string, unknown>, index: number): StoredRecord {
  return { ...storedText(JSON.stringify(event), index), key: String(event.distinct_id) };
}

function outboxEvent(index: number): Record<string, unknown> {
  return {
    uuid: `01890000-0000-7000-8000-${index.toString(16).padStart(12, "0")}`,
    event: "test event",
    distinct_id: "user",
    team_id: 1,
    properties: { index },
    ip: "203.0.113.7",
    site_url: null,
    now: "2026-03-01T12:00:05.000Z",
    timestamp: "2026-03-01T12:00:00.000Z",
  };
}
