/**
 * Turns the events of a request into records of the inbox.
 * @module
 */

import { isRecord } from "../../runtime/is_record.ts";
import { isNestedTooDeeply, MAX_NESTING } from "../../runtime/nesting.ts";
import type { EventLog, LogRecord } from "../log/event_log.ts";
import { createPacer, giveWay } from "./body/give_way.ts";
import { MAX_EVENTS } from "./body/measure_json.ts";
import type { SentEvents } from "./body/sent_events.ts";
import { CaptureError, invalidPayload, NOBODY, tooLarge } from "./capture_error.ts";
import { prepareEvent, type RequestFacts } from "./prepare_event.ts";

/** Bound of one event's JSON in bytes, as in PostHog. Session recordings have their own. */
export const MAX_EVENT_BYTES = 1024 * 1024;

/** What plugins may add to an event that is as large as the log takes, in bytes. */
const PLUGIN_ROOM_BYTES = 96 * 1024;

/** What intake takes of any event, recordings too, in bytes. */
export function maxStoredBytes({ maxEventBytes = Infinity }: Pick<EventLog, "maxEventBytes">): number {
  return maxEventBytes - PLUGIN_ROOM_BYTES;
}

/** An event that was left out while the rest of its request was stored. */
export interface DroppedEvent {
  /** The event's position in the request, counted from 0. */
  index: number;
  event?: string;
  uuid?: string;
  code: string;
  reason: string;
}

/**
 * The records of all valid events, and the reasons for leaving out the others. Throws CaptureError when no event is
 * valid, and 413 when one is too large, upon which SDKs halve the batch. The thread is yielded in between, so that a
 * large request does not delay others.
 */
export async function encodeEvents(events: SentEvents, facts: RequestFacts) {
  if (events.length > MAX_EVENTS) throw tooLarge(`Request too large: more than ${MAX_EVENTS} events.`);
  const records: LogRecord[] = [];
  const dropped: DroppedEvent[] = [];
  const mustGiveWay = createPacer();
  let index = 0;
  let refusal: CaptureError | null = null;
  for (const data of events) {
    if (mustGiveWay()) await giveWay();
    try {
      const record = encodeEvent(data, facts, events.length);
      if (record) records.push(record);
    } catch (error) {
      if (!(error instanceof CaptureError) || error.status !== 400) throw error;
      if (error.code !== NOBODY) refusal ??= error;
      dropped.push({ index, ...nameOf(data), code: error.code, reason: error.message });
    }
    index++;
  }
  if (refusal !== null && dropped.length === events.length) throw refusal;
  return { records, dropped };
}

const MAX_NAME = 200;

function nameOf(data: unknown): Pick<DroppedEvent, "event" | "uuid"> {
  if (!isRecord(data)) return {};
  const { event, uuid } = data;
  return {
    ...(typeof event === "string" && { event: event.slice(0, MAX_NAME) }),
    ...(typeof uuid === "string" && { uuid: uuid.slice(0, MAX_NAME) }),
  };
}

const utf8 = new TextEncoder();

/** One event's record, or null for an event that is ignored. `of` is the number of events in the request. */
export function encodeEvent(data: unknown, facts: RequestFacts, of: number): LogRecord | null {
  try {
    const event = prepareEvent(data, facts);
    if (event === null) return null;
    const json = JSON.stringify(event);
    if (isNestedTooDeeply(json)) throw nestedTooDeeply();
    const encoded = utf8.encode(json);
    const maxBytes = Math.min(event.event === "$snapshot" ? Infinity : facts.maxEventBytes, facts.maxStoredBytes);
    if (encoded.byteLength > maxBytes) throw eventTooLarge(maxBytes, of);
    return { key: event.distinct_id, event: encoded };
  } catch (error) {
    // Too deeply nested even to be serialised.
    if (error instanceof RangeError) throw nestedTooDeeply();
    throw error;
  }
}

function nestedTooDeeply(): Error {
  return invalidPayload(`Invalid payload: Event is nested more than ${MAX_NESTING} levels deep!`);
}

/** In a batch 413, which makes SDKs halve it until the event is alone; then 400, which makes them give it up. */
function eventTooLarge(maxBytes: number, events: number): Error {
  const detail = `Invalid payload: Event is larger than ${maxBytes} bytes!`;
  return events > 1 ? tooLarge(detail) : invalidPayload(detail);
}

/** The bytes of memory that the records occupy until they are stored. */
export function bytesOf(records: LogRecord[]): number {
  return records.reduce((sum, { event }) => sum + event.byteLength, 0);
}
