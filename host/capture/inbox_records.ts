/**
 * From the events of a request to the records of the inbox.
 * @module
 */

import { isRecord } from "../../runtime/is_record.ts";
import { isNestedTooDeeply, MAX_NESTING } from "../../runtime/nesting.ts";
import type { LogRecord } from "../log/event_log.ts";
import { createPacer, giveWay } from "./body/give_way.ts";
import { MAX_EVENTS } from "./body/measure_json.ts";
import type { SentEvents } from "./body/sent_events.ts";
import { CaptureError, invalidPayload, NOBODY, tooLarge } from "./capture_error.ts";
import { prepareEvent, type RequestFacts } from "./prepare_event.ts";

/** Bound of one event's JSON, recordings aside: what PostHog stores. */
export const MAX_EVENT_BYTES = 1024 * 1024;

/** An event of a request that the others were stored without. */
export interface DroppedEvent {
  /** Counted from 0. */
  index: number;
  event?: string;
  uuid?: string;
  code: string;
  reason: string;
}

/**
 * The records of all events that are valid, and what is wrong with the others. Throws CaptureError when none is valid, and 413
 * when one is too large: SDKs halve the batch then. Other requests are answered meanwhile.
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

/** One event's record, or null for an event that is passed over. `of` is how many events the request has. */
export function encodeEvent(data: unknown, facts: RequestFacts, of: number): LogRecord | null {
  try {
    const event = prepareEvent(data, facts);
    if (event === null) return null;
    const json = JSON.stringify(event);
    if (isNestedTooDeeply(json)) throw nestedTooDeeply();
    const encoded = utf8.encode(json);
    if (encoded.byteLength <= facts.maxEventBytes || event.event === "$snapshot") {
      return { key: event.distinct_id, event: encoded };
    }
  } catch (error) {
    // Nested so deeply that it could not even be written.
    if (error instanceof RangeError) throw nestedTooDeeply();
    throw error;
  }
  throw eventTooLarge(facts.maxEventBytes, of);
}

function nestedTooDeeply(): Error {
  return invalidPayload(`Invalid payload: Event is nested more than ${MAX_NESTING} levels deep!`);
}

/** In a batch 413, upon which SDKs halve it until the one event is alone; alone 400, upon which they give it up. */
function eventTooLarge(maxBytes: number, events: number): Error {
  const detail = `Invalid payload: Event is larger than ${maxBytes} bytes!`;
  return events > 1 ? tooLarge(detail) : invalidPayload(detail);
}

/** What the records hold in memory until they are stored. */
export function bytesOf(records: LogRecord[]): number {
  return records.reduce((sum, { event }) => sum + event.byteLength, 0);
}
