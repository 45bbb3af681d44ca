/**
 * Events as cells take them, JSON texts one after the other, and back.
 * @module
 */

import type { EncodedEvents } from "../cells/plugin_runtime.ts";
import type { LogRecord } from "../log/event_log.ts";

export function encodeEvents(records: Pick<LogRecord, "event" | "depth">[]): EncodedEvents {
  const lengths = records.map((record) => record.event.byteLength);
  const body = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  let offset = 0;
  for (const { event } of records) {
    body.set(event, offset);
    offset += event.byteLength;
  }
  const captured = records.some((record) => record.depth);
  return { lengths, body, ...(captured ? { depths: records.map((record) => record.depth ?? 0) } : {}) };
}

/** Views into the body, no copies. */
export function decodeEvents({ lengths, body }: EncodedEvents): Uint8Array[] {
  let offset = 0;
  return lengths.map((length) => body.subarray(offset, offset += length));
}
