/**
 * Which events on their way belong to a trace. The log keeps no trace with an event, so they are remembered here, by uuid: what is asked
 * for by few requests, and lost with a restart.
 * @module
 */

import { Buffer } from "node:buffer";
import type { Context } from "@opentelemetry/api";
import type { LogRecord } from "../../log/event_log.ts";

export interface CarriedEvent<T extends LogRecord> {
  /** Index into the records. */
  index: number;
  record: T;
  uuid: string;
  /** Holds the span that the next one belongs to. */
  parent: Context;
}

export interface CarriedTraces {
  carry(uuid: string, parent: Context): void;
  /** Those of the records that belong to a trace, `most` of them at most. */
  find<T extends LogRecord>(records: readonly T[], most?: number): CarriedEvent<T>[];
}

/** At 10,000 events a second of which one in a hundred is traced, those of 100 s. */
const MOST_CARRIED = 10_000;
/** Spans of one batch for one step. */
const MOST_FOUND = 20;

/** The field behind `properties`: in JSON no text can have it, for its quotes would be escaped. */
const FIELD = Buffer.from(',"uuid":"');
const UUID_LENGTH = 36;

export function createCarriedTraces(): CarriedTraces {
  const carried = new Map<string, Context>();
  return {
    carry(uuid, parent) {
      // Anew at the end: the oldest goes first.
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

/** Looked for in the bytes, from their end: to parse every event would take a hundred times as long. An unusual order of fields costs a trace. */
export function uuidOf({ buffer, byteOffset, byteLength }: Uint8Array): string | null {
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  const at = bytes.lastIndexOf(FIELD);
  return at === -1 ? null : bytes.toString("latin1", at + FIELD.length, at + FIELD.length + UUID_LENGTH);
}
