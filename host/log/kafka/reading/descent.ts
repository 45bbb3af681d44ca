/**
 * The way back through one partition: finds a project's records from the newest on, in windows of which the first is
 * short. Each is read forward in small pieces, since Kafka knows no other direction.
 * @module
 */

import { CursorError } from "../../event_log.ts";
import { type FetchedRange, isOutOfRange } from "./committed_records.ts";
import type { PlacedRecord } from "./record_codec.ts";
import type { StoredTopic } from "./stored_topic.ts";

export type ReadsKafka = Pick<StoredTopic, "fetch" | "edge">;

/** A record that was found, and where. */
export interface FoundRecord {
  partition: number;
  offset: number;
  /** When it was sent, in milliseconds since the epoch. */
  at: number;
  /** Of its event. */
  bytes: number;
  /** Null when there was no room for it. */
  record: PlacedRecord | null;
}

/** A part of the way: its offsets, and the bytes to ask for at once. Kafka sends more when a single batch has more. */
interface Window {
  offsets: number;
  fetchBytes: number;
}

/** Short, because it is not known yet how large the records are. */
const FIRST_WINDOW: Window = { offsets: 4, fetchBytes: 16 * 1024 };
/** The least and the most that a later window probably has, in bytes. */
const LEAST_BYTES = 16 * 1024;
const MOST_BYTES = 1024 * 1024;
const FETCH_BYTES = 256 * 1024;
/** How much more a window has than one in which there was nothing of the project. */
const GROWTH = 4;

export class Descent {
  readonly partition: number;
  readonly #reader: ReadsKafka;
  readonly #project: number;
  /** The offset of the partition's oldest record. */
  #earliest: number;
  /** The project's records from here on have been found. */
  #reached: number;
  /** How far it may go for now. */
  #floor: number;
  #window = FIRST_WINDOW;
  /** What the next window is to have. */
  #bytes: number;
  /** The records that were found and not taken, oldest first. */
  #found: FoundRecord[] = [];

  /**
   * @param place the partition, the offset before which records are wanted, and that of its oldest record
   * @param bytes how much of the partition is probably wanted
   */
  constructor(
    reader: ReadsKafka,
    project: number,
    { partition, end, earliest }: { partition: number; end: number; earliest: number },
    bytes: number,
  ) {
    this.#reader = reader;
    this.#project = project;
    this.partition = partition;
    this.#earliest = Math.min(earliest, end);
    this.#reached = end;
    this.#floor = end;
    this.#bytes = Math.min(Math.max(bytes, LEAST_BYTES), MOST_BYTES);
  }

  /** The newest record that was not taken; null when none is found. */
  get newest(): FoundRecord | null {
    return this.#found.at(-1) ?? null;
  }

  /** The offset from which on every record has been taken. */
  get to(): number {
    return this.newest === null ? this.#reached : this.newest.offset + 1;
  }

  /** Whether there may be records before `to`. */
  get hasMore(): boolean {
    return this.to > this.#earliest;
  }

  /** Lets the next searches examine so many more offsets. */
  allow(offsets: number): void {
    this.#floor = Math.max(this.#earliest, this.#reached - offsets);
  }

  /**
   * Goes back until there is a record to take or as far as allowed.
   * @param room how many bytes of events may be kept; what is kept is subtracted, and of the rest only the places are
   */
  async search(room: { bytes: number }): Promise<void> {
    while (this.#found.length === 0 && this.#reached > this.#floor) {
      const start = Math.max(this.#floor, this.#reached - this.#window.offsets);
      let bytes = 0;
      /** The index of the oldest record whose event is kept. */
      let kept = 0;
      for await (const record of this.#records(start, this.#reached)) {
        bytes += record.event.byteLength;
        if (record.project !== this.#project) continue;
        const { offset, at, event } = record;
        this.#found.push({ partition: this.partition, offset, at, bytes: event.byteLength, record });
        room.bytes -= event.byteLength;
        for (; room.bytes < 0 && kept < this.#found.length; kept++) room.bytes += forget(this.#found[kept]);
      }
      if (this.#found.length === 0) this.#bytes = Math.min(this.#bytes * GROWTH, MOST_BYTES);
      const bytesPerOffset = bytes / (this.#reached - start);
      const offsets = Math.max(1, Math.floor(this.#bytes / bytesPerOffset));
      this.#window = { offsets, fetchBytes: Math.min(this.#bytes, FETCH_BYTES) };
      this.#reached = start;
    }
  }

  take(): FoundRecord {
    return this.#found.pop() as FoundRecord;
  }

  /** The records of this partition, by offset; those are read whose events were not kept. */
  async read(chosen: FoundRecord[]): Promise<Map<number, PlacedRecord>> {
    const records = new Map<number, PlacedRecord>();
    const missing = new Set<number>();
    for (const { offset, record } of chosen) {
      if (record === null) missing.add(offset);
      else records.set(offset, record);
    }
    if (missing.size === 0) return records;
    for await (const record of this.#records(Math.min(...missing), Math.max(...missing) + 1)) {
      if (missing.has(record.offset)) records.set(record.offset, record);
    }
    return records;
  }

  /** The records of all projects in a range of offsets. */
  async *#records(start: number, end: number): AsyncGenerator<PlacedRecord> {
    for (let from = start; from < end;) {
      const { records, next } = await this.#fetch(from);
      for (const record of records) if (record.offset < end) yield record;
      if (next <= from) return;
      from = next;
    }
  }

  /** Continues at the oldest record when Kafka has deleted those at the offset meanwhile. */
  async #fetch(from: number): Promise<FetchedRange> {
    const { fetchBytes } = this.#window;
    try {
      return await this.#reader.fetch(this.partition, from, fetchBytes, 0);
    } catch (error) {
      if (!isOutOfRange(error)) throw error;
      this.#earliest = await this.#reader.edge(this.partition, "earliest");
      // An offset that the partition does not have yet can only come from a client of the API.
      if (this.#earliest <= from) throw new CursorError(`${this.partition}:${from}`);
      return await this.#reader.fetch(this.partition, this.#earliest, fetchBytes, 0);
    }
  }
}

/** Returns the bytes that are free now. */
function forget(found: FoundRecord | undefined): number {
  if (found === undefined) return 0;
  found.record = null;
  return found.bytes;
}
