/**
 * Reads a topic backwards, newest first: a stretch of each partition at a time, merged by time. Records of different
 * keys that were taken at about the same time may change places.
 *
 * What is held grows with the page, not with the stretches: of records that may not get onto it only their places are
 * kept, and the events of those that do are read again.
 * @module
 */

import type { ReadLimits } from "../../event_log.ts";
import { Descent, type FoundRecord, type ReadsKafka } from "./descent.ts";
import type { PlacedRecord } from "./record_codec.ts";

/** How many offsets of a partition are examined for a page, including those of other projects. */
const STRETCH = 1000;

export interface ReadBack {
  /** With the position just after each record, and the one before it. */
  records: { record: PlacedRecord; partition: number; behind: Map<number, number>; before: Map<number, number> }[];
  /** Where to continue; null when nothing precedes it. */
  next: Map<number, number> | null;
}

/**
 * Examines one stretch of each partition, in which there may be nothing of the project.
 * @param from by partition, the offset before which records are wanted
 */
export async function readBack(
  reader: ReadsKafka,
  project: number,
  from: ReadonlyMap<number, number>,
  limits: ReadLimits,
): Promise<ReadBack> {
  const descents = await Promise.all(Array.from(from, async ([partition, end]) => {
    const place = { partition, end, earliest: await reader.edge(partition, "earliest") };
    return new Descent(reader, project, place, 2 * limits.maxBytes / from.size);
  }));
  const place = new Map(descents.map(({ partition, to }) => [partition, to]));
  for (const descent of descents) descent.allow(STRETCH);
  const chosen = await choose(descents, limits);
  const rest = descents.some((descent) => descent.hasMore);
  const next = new Map(descents.map(({ partition, to }) => [partition, to]));
  return { records: await placed(descents, chosen, place), next: rest ? next : null };
}

/** Takes the newest records of all partitions that fit the limits. */
async function choose(descents: Descent[], limits: ReadLimits): Promise<FoundRecord[]> {
  const chosen: FoundRecord[] = [];
  let bytes = 0;
  /** How many bytes of events may still be kept for the page. */
  const room = { bytes: limits.maxBytes };
  for (;;) {
    let newest: Descent | null = null;
    for (const descent of descents) {
      await descent.search(room);
      if (descent.newest !== null && (newest === null || isNewer(descent.newest, newest.newest))) newest = descent;
    }
    if (newest === null || newest.newest === null) return chosen;
    bytes += newest.newest.bytes;
    if (chosen.length >= limits.maxEvents || (chosen.length > 0 && bytes > limits.maxBytes)) return chosen;
    chosen.push(newest.take());
  }
}

function isNewer(a: FoundRecord, b: FoundRecord | null): boolean {
  return b === null || a.at > b.at || (a.at === b.at && a.offset > b.offset);
}

/** The chosen records with their events, in their order. Those that Kafka has deleted meanwhile are left out. */
async function placed(
  descents: Descent[],
  chosen: FoundRecord[],
  start: Map<number, number>,
): Promise<ReadBack["records"]> {
  const events = new Map<number, Map<number, PlacedRecord>>();
  for (const descent of descents) {
    events.set(
      descent.partition,
      await descent.read(chosen.filter(({ partition }) => partition === descent.partition)),
    );
  }
  const records: ReadBack["records"] = [];
  let place = start;
  for (const { partition, offset } of chosen) {
    const behind = new Map(place).set(partition, offset + 1);
    place = new Map(place).set(partition, offset);
    const record = events.get(partition)?.get(offset);
    if (record !== undefined) records.push({ record, partition, behind, before: place });
  }
  return records;
}
