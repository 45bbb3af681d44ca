/**
 * Events as cells take them, JSON texts one after the other, and back.
 * @module
 */

import type { EncodedEvents, EventOrigin } from "../cells/plugin_runtime.ts";
import type { LogRecord } from "../log/event_log.ts";

export type EventToEncode = Pick<LogRecord, "event"> & EventOrigin;

export function encodeEvents(records: EventToEncode[]): EncodedEvents {
  const lengths = records.map((record) => record.event.byteLength);
  const body = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  let offset = 0;
  for (const { event } of records) {
    body.set(event, offset);
    offset += event.byteLength;
  }
  if (!records.some(({ depth, name }) => depth || name)) return { lengths, body };
  return { lengths, body, origins: records.map(originOf) };
}

/** Without the event: origins are remembered for longer. */
function originOf({ depth, name }: EventOrigin): EventOrigin {
  return { ...(depth ? { depth } : {}), ...(name === undefined ? {} : { name }) };
}

/** Views into the body, no copies. */
export function decodeEvents({ lengths, body }: EncodedEvents): Uint8Array[] {
  let offset = 0;
  return lengths.map((length) => body.subarray(offset, offset += length));
}
