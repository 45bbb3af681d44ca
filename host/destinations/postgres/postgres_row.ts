/**
 * Converts an event of the outbox to a row that Postgres accepts.
 * @module
 */

import { personProperties } from "../../../runtime/events/person_properties.ts";
import { isRecord } from "../../../runtime/is_record.ts";
import type { EventColumns, EventRow } from "./postgres_table.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** What jsonb refuses: the character U+0000 and unpaired surrogates. In JSON text both can only occur as escapes. */
const SUSPICIOUS = /\\u(?:0000|[dD][89a-fA-F])/;

/** The event as a row. Throws with the reason when it cannot be one. */
export function toEventRow(event: Uint8Array): EventRow {
  const text = new TextDecoder().decode(event);
  const parsed: unknown = JSON.parse(text);
  const fields = SUSPICIOUS.test(text) ? storable(parsed) : parsed;
  if (!isRecord(fields)) throw new TypeError("Cannot store the event: it is not a JSON object");
  const { uuid, team_id, event: name, distinct_id, timestamp, properties, ip, now, ...others } = fields;
  const { set, setOnce } = personProperties(fields);
  // Left out, because the corrected `timestamp` already accounts for them.
  const { $set: _, $set_once: __, sent_at: ___, offset: ____, site_url: _____, ...extra } = others;
  const columns: EventColumns = {
    uuid: checkedUuid(uuid),
    team_id,
    event: name,
    distinct_id,
    timestamp: checkedTime(timestamp),
    properties: properties ?? {},
    set,
    set_once: setOnce,
    ip: ip ?? null,
    received_at: isoTime(now),
    extra: Object.keys(extra).length > 0 ? extra : null,
  };
  // Serialised event by event, so that one nested too deep for JSON.stringify fails alone.
  return { key: `${columns.team_id} ${columns.uuid}`, json: JSON.stringify(columns) };
}

function checkedUuid(uuid: unknown): string {
  const text = typeof uuid === "string" ? uuid.toLowerCase() : "";
  if (!UUID.test(text)) throw new TypeError(`Cannot store the event: uuid ${quoted(uuid)} is not a UUID`);
  return text;
}

function checkedTime(timestamp: unknown): string {
  const time = isoTime(timestamp);
  if (time === null) {
    throw new TypeError(
      `Cannot store the event: timestamp ${quoted(timestamp)} is not a date of the years 0001 to 9999`,
    );
  }
  return time;
}

/** Null for anything but a date, and for years that ISO 8601 writes with a sign. */
function isoTime(value: unknown): string | null {
  const time = new Date(typeof value === "string" ? value : NaN);
  if (Number.isNaN(time.getTime())) return null;
  const text = time.toISOString();
  return /^[+-]|^0000/.test(text) ? null : text;
}

function quoted(value: unknown): string {
  return (JSON.stringify(value) ?? "(none)").slice(0, 100);
}

/** A copy in which U+FFFD replaces each character that Postgres refuses, in values and in names. */
function storable(value: unknown): unknown {
  if (typeof value === "string") return storableText(value);
  if (Array.isArray(value)) return value.map(storable);
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [storableText(name), storable(part)]));
}

function storableText(text: string): string {
  return text.replaceAll("\0", "\ufffd").toWellFormed();
}
