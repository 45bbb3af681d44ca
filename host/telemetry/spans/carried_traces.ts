/**
 * Remembers which events on their way belong to a trace. The event log stores no trace with an event, so traces are
 * kept here by the event's uuid. Only a few requests are traced, and a restart loses this memory.
 * @module
 */

import { Buffer } from "node:buffer";
import type { Context } from "@opentelemetry/api";
import type { LogRecord } from "../../log/event_log.ts";

export interface CarriedEvent<T extends LogRecord> {
  /** The index into the records. */
  index: number;
  record: T;
  uuid: string;
  /** Contains the span that is the parent of the next one. */
  parent: Context;
}

export interface CarriedTraces {
  carry(uuid: string, parent: Context): void;
  /** Finds those of the records that belong to a trace, at most `most` of them. */
  find<T extends LogRecord>(records: readonly T[], most?: number): CarriedEvent<T>[];
}

/** At 10,000 events a second, of which one in a hundred is traced, this covers 100 s. */
const MOST_CARRIED = 10_000;
/** The most spans for one step of one batch. */
const MOST_FOUND = 20;

/** The field after `properties`. This text cannot occur inside a JSON string, where its quotes would be escaped. */
const FIELD = Buffer.from(',"uuid":"');
const UUID_LENGTH = 36;

export function createCarriedTraces(): CarriedTraces {
  const carried = new Map<string, Context>();
  return {
    carry(uuid, parent) {
      // Inserted again at the end, because the oldest entry is removed first.
      carried.delete(uuid);
      carried.set(uuid, parent);
      if (carried.size <= MOST_CARRIED) return;
      for (const oldest of carried.keys()) {
        carried.delete(oldest);
        break;
      }
    },
    find(records, most = MOST_FOUND) {
      if (carried.size === 0) return [];
      const found: CarriedEvent<typeof records[number]>[] = [];
      for (const [index, record] of records.entries()) {
        if (found.length >= most) break;
        const uuid = uuidOf(record.event);
        const parent = uuid === null ? undefined : carried.get(uuid);
        if (uuid !== null && parent !== undefined) found.push({ index, record, uuid, parent });
      }
      return found;
    },
  };
}

/**
 * Searches the bytes from the end, because parsing every event would take a hundred times as long. If the fields are in
 * an unusual order, the trace is lost.
 */
export function uuidOf({ buffer, byteOffset, byteLength }: Uint8Array): string | null {
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  const at = bytes.lastIndexOf(FIELD);
  return at === -1 ? null : bytes.toString("latin1", at + FIELD.length, at + FIELD.length + UUID_LENGTH);
}
