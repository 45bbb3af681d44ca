/**
 * The newest records of one partition, kept in memory by project, so that hundreds of readers need only one fetch.
 * Bounded in bytes: the oldest records are dropped, and readers that have not reached them yet read them from Kafka.
 * @module
 */

import type { PlacedRecord } from "./record_codec.ts";

/** The bytes that a record occupies besides its event. */
const RECORD_BYTES = 300;

export class PartitionTail {
  /** The offset of the first record held. All of the partition's records from here to `end` are held. */
  start: number;
  /** The offset of the next record to fetch. */
  end: number;
  bytes = 0;
  /** The furthest offset that any reader has reached, and when. */
  readTo: number;
  readAt = 0;
  readonly #byProject = new Map<number, PlacedRecord[]>();
  /** The offset of each project's newest record, whether held or not. */
  readonly #newest = new Map<number, number>();
  /** In the order of offsets; the first `#dropped` of them are gone. */
  #order: PlacedRecord[] = [];
  #dropped = 0;

  constructor(start: number) {
    this.start = start;
    this.end = start;
    this.readTo = start;
  }

  add(records: PlacedRecord[], next: number): void {
    for (const record of records) {
      const list = this.#byProject.get(record.project);
      if (list) list.push(record);
      else this.#byProject.set(record.project, [record]);
      this.#newest.set(record.project, record.offset);
      this.#order.push(record);
      this.bytes += sizeOf(record);
    }
    this.end = Math.max(this.end, next);
  }

  /** Drops the oldest records until at most this many bytes are held. */
  shrink(maxBytes: number): void {
    while (this.bytes > maxBytes && this.#dropped < this.#order.length) {
      const record = this.#order[this.#dropped++] as PlacedRecord;
      const list = this.#byProject.get(record.project);
      list?.shift();
      if (list?.length === 0) this.#byProject.delete(record.project);
      this.bytes -= sizeOf(record);
      this.start = record.offset + 1;
    }
    if (this.#dropped > 1024 && this.#dropped > this.#order.length / 2) {
      this.#order = this.#order.slice(this.#dropped);
      this.#dropped = 0;
    }
  }

  /** The held records of the project from the offset on. */
  *from(project: number, offset: number): Generator<PlacedRecord> {
    const list = this.#byProject.get(project) ?? [];
    for (let at = firstFrom(list, offset); at < list.length; at++) yield list[at] as PlacedRecord;
  }

  count(project: number, offset: number): number {
    const list = this.#byProject.get(project) ?? [];
    return list.length - firstFrom(list, offset);
  }

  /** The offset of the project's newest record since the tail began; -1 when there is none. */
  newest(project: number): number {
    return this.#newest.get(project) ?? -1;
  }
}

function sizeOf({ event }: PlacedRecord): number {
  return event.byteLength + RECORD_BYTES;
}

/** The index of the first record at or after the offset. */
function firstFrom(list: PlacedRecord[], offset: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle] as PlacedRecord).offset < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
