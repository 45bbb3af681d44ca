/**
 * Searches the log for events, newest first. There is no index: the log is read backwards for a bounded time, and the
 * caller may continue from there.
 * @module
 */

import { Buffer } from "node:buffer";
import { isRecord } from "../../../runtime/is_record.ts";
import type { Cursor, EventLog, StoredRecord, Topic } from "../../log/event_log.ts";

export interface EventQuery {
  topic: Topic;
  project: number;
  name?: string;
  distinctId?: string;
  uuid?: string;
  /** An event must have all of these properties with these values, as text or JSON. */
  properties: { key: string; value: string }[];
  /** Exclusive; the time at which the log took the event. */
  before?: number;
  after?: number;
  limit: number;
  /** Null starts at the newest event. */
  next: Cursor | null;
}

export interface FoundEvent {
  record: StoredRecord;
  event: Record<string, unknown>;
}

export interface FoundEvents {
  events: FoundEvent[];
  /** Where to continue; null at the beginning of what is kept. */
  next: Cursor | null;
  /** How many records were examined. */
  searched: number;
  /** The time of the oldest examined record. */
  searchedTo: number | null;
}

/** A search stops after so many milliseconds, whether it has found something or not. */
const BUDGET_MS = 25;
const READ = { maxEvents: 1000, maxBytes: 512 * 1024 };
const decoder = new TextDecoder();

export async function findEvents(
  log: Pick<EventLog, "readBack" | "cursorAt">,
  query: EventQuery,
): Promise<FoundEvents> {
  const { topic, project, limit } = query;
  const start = performance.now();
  const found: FoundEvent[] = [];
  let next = query.next;
  // Later events need not be read.
  if (next === null && query.before !== undefined) next = await log.cursorAt(topic, project, query.before);
  let searched = 0;
  let searchedTo: number | null = null;
  const answer = (next: Cursor | null): FoundEvents => ({ events: found, next, searched, searchedTo });
  const needles = needlesOf(query);
  do {
    const page = await log.readBack(topic, project, next, READ);
    for (const record of page.records) {
      if (query.after !== undefined && record.at <= query.after) return answer(null);
      searched++;
      searchedTo = record.at;
      const event = matchEvent(record, query, needles);
      if (event !== null) found.push({ record, event });
      if (found.length === limit) return answer(record.before);
    }
    next = page.next;
  } while (next !== null && performance.now() - start < BUDGET_MS);
  return answer(next);
}

/** Texts that the event's JSON must contain: searching bytes is a hundred times faster than parsing. */
function needlesOf({ name, uuid }: EventQuery): Buffer[] {
  return [name, uuid].flatMap((text) => text === undefined ? [] : [Buffer.from(JSON.stringify(text))]);
}

function matchEvent(record: StoredRecord, query: EventQuery, needles: Buffer[]): Record<string, unknown> | null {
  if (query.distinctId !== undefined && record.key !== query.distinctId) return null;
  if (query.before !== undefined && record.at >= query.before) return null;
  const bytes = Buffer.from(record.event.buffer, record.event.byteOffset, record.event.byteLength);
  if (!needles.every((needle) => bytes.includes(needle))) return null;
  const event: unknown = JSON.parse(decoder.decode(record.event));
  if (!isRecord(event)) return null;
  if (query.name !== undefined && event["event"] !== query.name) return null;
  if (query.uuid !== undefined && event["uuid"] !== query.uuid) return null;
  const properties = isRecord(event["properties"]) ? event["properties"] : {};
  return query.properties.every(({ key, value }) => Object.hasOwn(properties, key) && isValue(properties[key], value))
    ? event
    : null;
}

function isValue(found: unknown, wanted: string): boolean {
  return typeof found === "string" ? found === wanted : JSON.stringify(found) === wanted;
}
