/**
 * Events as cells take them, JSON texts one after the other, and back.
 * @module
 */

import type { EncodedEvents, EventOrigin } from "../cells/plugin_runtime.ts";
import type { LogRecord } from "../log/event_log.ts";

export function encodeEvents(events: Pick<LogRecord, "event">[], origins?: EventOrigin[]): EncodedEvents {
  const lengths = events.map(({ event }) => event.byteLength);
  const body = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  let offset = 0;
  for (const { event } of events) {
    body.set(event, offset);
    offset += event.byteLength;
  }
  return { lengths, body, ...(origins && { origins }) };
}

/** Views into the body, no copies. */
export function decodeEvents({ lengths, body }: EncodedEvents): Uint8Array[] {
  let offset = 0;
  return lengths.map((length) => body.subarray(offset, offset += length));
}
