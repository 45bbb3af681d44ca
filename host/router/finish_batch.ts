/**
 * Makes the records of the outbox. Each event that came out of the last plugin is parsed and checked here, once,
 * because what a cell says cannot be trusted.
 * @module
 */

import { setImmediate } from "node:timers";
import type { OutboxEvent, PluginEvent } from "../../runtime/events/event.ts";
import { finishEvent, type PluginMarks } from "../../runtime/events/finish_event.ts";
import { OriginalEvent } from "../../runtime/events/original_event.ts";
import { isRecord } from "../../runtime/is_record.ts";
import { isNestedTooDeeply } from "../../runtime/nesting.ts";
import { TextBuffer } from "../../runtime/text_buffer.ts";
import { parseUuid } from "../../runtime/events/uuid.ts";
import type { LogRecord, StoredRecord } from "../log/event_log.ts";
import { decodeEvents } from "./encode_events.ts";
import { marksOf } from "./marks.ts";
import type { RoutedBatch } from "./route_batch.ts";

const decoder = new TextDecoder();

export interface FinishOptions {
  teamId: number;
  anonymizeIps: boolean;
  /** Marks of the plugins whose onEvent, onSnapshot or exportEvents will see the event later. */
  deferred: readonly string[];
  /** The most bytes that the log takes of an event; any number when absent. */
  maxEventBytes?: number;
}

/** Large events take long to parse and to write; other work gets a turn in between. */
const TURN_MS = 20;

/** Room for what is added to an event: person properties and marks. The buffer grows when this is not enough. */
const GROWTH = 1.5;

/** The outbox records of a routed batch, in the order of the batch. */
export async function finishBatch(
  originals: StoredRecord[],
  routed: RoutedBatch,
  options: FinishOptions,
): Promise<LogRecord[]> {
  const finished: (Omit<LogRecord, "event"> & { length: number })[] = [];
  const texts = decodeEvents(routed.events);
  const written = new TextBuffer(routed.events.body.byteLength * GROWTH);
  let start = performance.now();
  for (const [at, index] of routed.survivors.entries()) {
    if (performance.now() - start > TURN_MS) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      start = performance.now();
    }
    const marks = marksOf(index, routed.runs, options.deferred);
    const original = originals[index] as StoredRecord;
    const event = finishOne(original, texts[at] as Uint8Array, marks, options);
    const depth = original.depth ? { depth: original.depth } : {};
    finished.push({ key: event.distinct_id, length: written.write(JSON.stringify(event)), ...depth });
  }
  const body = written.written();
  let end = 0;
  return finished.map(({ length, ...record }) => ({ ...record, event: body.subarray(end, end += length) }));
}

function finishOne(record: StoredRecord, text: Uint8Array, marks: PluginMarks, options: FinishOptions): OutboxEvent {
  const original = new OriginalEvent(record.event);
  let event = text.byteLength > (options.maxEventBytes ?? Infinity) ? null : readEvent(text);
  if (event === null) {
    event = original.copy();
    distrust(marks);
  }
  if (typeof event.uuid !== "string" || parseUuid(event.uuid) === null) event.uuid = original.event.uuid;
  if (!isRecord(event.properties)) event.properties = {};
  return finishEvent(event, marks, { teamId: options.teamId, anonymizeIps: options.anonymizeIps, original });
}

/**
 * Null when the last cell did not send an event. finishEvent puts back what a plugin lost of the fields that every
 * event has.
 */
function readEvent(text: Uint8Array): PluginEvent | null {
  try {
    const json = decoder.decode(text);
    // What is nested too deeply could not be written again.
    const value: unknown = isNestedTooDeeply(json) ? null : JSON.parse(json);
    return isRecord(value) ? value as PluginEvent : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** No plugin can be said to have succeeded when what the last one sent was not an event. */
function distrust(marks: PluginMarks): void {
  marks.failed.push(...marks.succeeded);
  marks.succeeded = [];
}
