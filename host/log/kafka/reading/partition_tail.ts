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
  /** In the order of offsets. */
  readonly #order: PlacedRecord[] = [];

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
      this.#order.push(record);
      this.bytes += sizeOf(record);
    }
    this.end = Math.max(this.end, next);
  }

  /** When more than this many bytes are held, drops the oldest records, a tenth of what may be held at once. */
  shrink(maxBytes: number): void {
    if (this.bytes <= maxBytes) return;
    const dropped = new Map<number, number>();
    let count = 0;
    for (; this.bytes > maxBytes * 0.9 && count < this.#order.length; count++) {
      const record = this.#order[count] as PlacedRecord;
      this.bytes -= sizeOf(record);
      this.start = record.offset + 1;
      dropped.set(record.project, (dropped.get(record.project) ?? 0) + 1);
    }
    this.#order.splice(0, count);
    for (const [project, count] of dropped) {
      const list = this.#byProject.get(project) as PlacedRecord[];
      if (count === list.length) this.#byProject.delete(project);
      else list.splice(0, count);
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
