/**
 * Reads a topic backwards, newest first: a stretch of each partition at a time, sorted by time. Records of different
 * keys that were taken at about the same time may change places.
 * @module
 */

import type { ReadLimits } from "../../event_log.ts";
import type { PlacedRecord } from "./record_codec.ts";
import type { TopicReader } from "./topic_reader.ts";

/** How many offsets of a partition are examined at once, including those of other projects. */
const STRETCH = 1000;

export interface ReadBack {
  /** With the position just after each record, and the one before it. */
  records: { record: PlacedRecord; partition: number; behind: Map<number, number>; before: Map<number, number> }[];
  /** Where to continue; null when nothing precedes it. */
  next: Map<number, number> | null;
}

/** `from` gives, by partition, the offset before which records are wanted. */
export async function readBack(
  reader: Pick<TopicReader, "read" | "edge">,
  project: number,
  from: ReadonlyMap<number, number>,
  limits: ReadLimits,
): Promise<ReadBack> {
  let place = new Map(from);
  for (;;) {
    const starts = new Map<number, number>();
    const found: { partition: number; record: PlacedRecord }[] = [];
    let rest = false;
    for (const [partition, end] of place) {
      const earliest = await reader.edge(partition, "earliest");
      const start = Math.max(earliest, end - STRETCH);
      starts.set(partition, start);
      rest ||= start > earliest;
      for (const record of await readStretch(reader, partition, project, start, end)) found.push({ partition, record });
    }
    found.sort((a, b) => b.record.at - a.record.at || b.record.offset - a.record.offset);
    if (found.length === 0) {
      if (!rest) return { records: [], next: null };
      place = starts;
      continue;
    }
    const records: ReadBack["records"] = [];
    let bytes = 0;
    for (const { partition, record } of found) {
      bytes += record.event.byteLength;
      if (records.length >= limits.maxEvents || (records.length > 0 && bytes > limits.maxBytes)) break;
      const behind = new Map(place).set(partition, record.offset + 1);
      place = new Map(place).set(partition, record.offset);
      records.push({ record, partition, behind, before: place });
    }
    return { records, next: records.length < found.length ? place : rest ? starts : null };
  }
}

async function readStretch(
  reader: Pick<TopicReader, "read">,
  partition: number,
  project: number,
  start: number,
  end: number,
): Promise<PlacedRecord[]> {
  const all: PlacedRecord[] = [];
  for (let from = start; from < end;) {
    const { records, next } = await reader.read(partition, project, from, STRETCH, Infinity);
    all.push(...records.filter(({ offset }) => offset < end));
    const to = Math.max(next, (records.at(-1)?.offset ?? -1) + 1);
    if (to <= from) break;
    from = to;
  }
  return all;
}
