/**
 * Reads the partitions of one topic that this host owns, with one request at a time to each broker, into tails that all
 * readers of the host share. A reader that has fallen behind the tails reads from Kafka by itself.
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import type { ClusterMetadata } from "@platformatic/kafka";
import {
  type FetchClient,
  type FetchedRange,
  type FetchRange,
  fetchRanges,
  isOutOfRange,
} from "./committed_records.ts";
import { isOfConnection } from "../cluster/client_error.ts";
import { PartitionTail } from "./partition_tail.ts";
import { decodeRecords, type PlacedRecord } from "./record_codec.ts";
import type { Renewable } from "../cluster/renewable.ts";
import type { StoredTopic } from "./stored_topic.ts";

export interface TopicReaderOptions {
  /** Where older records are read, by a client of its own: they do not wait behind a request for new ones. */
  stored: StoredTopic;
  /** Follows the newest records. */
  client: Renewable<FetchClient>;
  /** The bytes that all tails together may hold. */
  maxBytes: number;
  /** Called for records that arrived. */
  onRecords(partition: number, records: PlacedRecord[]): void;
  /**
   * Called when offsets that were reached mean nothing any more, in a partition or, where none is named, in the whole
   * topic. The reader owns no partitions then.
   */
  onLost(error: Error, partition?: number): void;
  onError(error: unknown): void;
}

/**
 * How long a request waits for new records, in milliseconds. It may take as long to notice a change of owned
 * partitions.
 */
const WAIT_MS = 400;
const FETCH_BYTES = 2 * 1024 * 1024;
const CATCH_UP_BYTES = 1024 * 1024;
const RETRY_MS = 200;
/** A tail waits for readers that advanced within this time, in milliseconds; slower ones read from Kafka later. */
const PATIENCE_MS = 3000;

export class TopicReader implements AsyncDisposable {
  readonly stored: StoredTopic;
  readonly #options: TopicReaderOptions;
  readonly #tails = new Map<number, PartitionTail>();
  /** The loop that reads from each broker. */
  readonly #loops = new Map<number, Promise<void>>();
  readonly #stop = new AbortController();
  #metadata: ClusterMetadata | null = null;
  #planning: Promise<void> | null = null;
  /** Ranges found to hold no record of a project while catching up: `partition project` → from, to. */
  readonly #hollow = new Map<string, { from: number; to: number }>();

  constructor(options: TopicReaderOptions) {
    this.#options = options;
    this.stored = options.stored;
  }

  /**
   * Sets the owned partitions, and the offset at which to start reading each. Tails of partitions that stay are kept.
   */
  own(starts: ReadonlyMap<number, number>): void {
    for (const partition of this.#tails.keys()) if (!starts.has(partition)) this.#tails.delete(partition);
    for (const [partition, start] of starts) {
      if (!this.#tails.has(partition)) this.#tails.set(partition, new PartitionTail(start));
    }
    this.#hollow.clear();
    this.#plan();
  }

  tail(partition: number): PartitionTail | undefined {
    return this.#tails.get(partition);
  }

  /**
   * Records of a project from the offset on, from memory or from Kafka. `next` is where to continue when there is none:
   * nothing of the project precedes it.
   */
  async read(
    partition: number,
    project: number,
    offset: number,
    maxEvents: number,
    maxBytes: number,
  ): Promise<{ records: PlacedRecord[]; next: number }> {
    const from = this.#skipHollow(partition, project, offset);
    const tail = this.#tails.get(partition);
    if (tail === undefined || from < tail.start) {
      return await this.#catchUp(partition, project, from, maxEvents, maxBytes);
    }
    const records = takeWithin(tail.from(project, from), maxEvents, maxBytes);
    const next = (records.at(-1)?.offset ?? tail.end - 1) + 1;
    if (next > tail.readTo) {
      tail.readTo = next;
      tail.readAt = Date.now();
    }
    return { records, next };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#planning;
    await Promise.all(this.#loops.values());
  }

  async #catchUp(partition: number, project: number, offset: number, maxEvents: number, maxBytes: number) {
    let from = offset;
    for (;;) {
      const range = await this.stored.fetchKept(partition, from, CATCH_UP_BYTES);
      const records = takeWithin(range.records.filter((record) => record.project === project), maxEvents, maxBytes);
      const last = records.at(-1);
      if (last !== undefined) return { records, next: last.offset + 1 };
      this.#hollow.set(`${partition} ${project}`, { from: offset, to: range.next });
      const tail = this.#tails.get(partition);
      if (range.next === from || (tail !== undefined && range.next >= tail.start)) return { records, next: range.next };
      from = range.next;
    }
  }

  #skipHollow(partition: number, project: number, offset: number): number {
    const hollow = this.#hollow.get(`${partition} ${project}`);
    return hollow !== undefined && offset >= hollow.from && offset < hollow.to ? hollow.to : offset;
  }

  /** Ensures that each broker that leads an owned partition has a loop. */
  #plan(): void {
    this.#planning ??= this.#startLoops().finally(() => this.#planning = null);
  }

  async #startLoops(): Promise<void> {
    const { client, onError } = this.#options;
    const topic = this.stored.name;
    while (!this.#stop.signal.aborted && this.#tails.size > 0) {
      try {
        const metadata = await client.use((client) => client.metadata({ topics: [topic], forceUpdate: true }));
        const id = metadata.topics.get(topic)?.id;
        const known = this.#metadata?.topics.get(topic)?.id;
        this.#metadata = metadata;
        if (known !== undefined && id !== known) return this.#giveUp("it was made anew");
        const leaders = new Set(Array.from(this.#tails.keys(), (partition) => this.#leader(partition)));
        for (const node of leaders) {
          if (node < 0) throw new Error(`Cannot read ${topic}: a partition has no leader at the moment`);
          if (!this.#loops.has(node)) {
            this.#loops.set(node, this.#follow(node).finally(() => this.#ended(node)));
          }
        }
        return;
      } catch (error) {
        onError(error);
        await this.#pause();
      }
    }
  }

  /** A loop ends when its broker leads no owned partition; another one may have been added meanwhile. */
  #ended(node: number): void {
    this.#loops.delete(node);
    const led = [...this.#tails.keys()].some((partition) => this.#leader(partition) === node);
    if (led && !this.#stop.signal.aborted) this.#plan();
  }

  #leader(partition: number): number {
    return this.#metadata?.topics.get(this.stored.name)?.partitions[partition]?.leader ?? -1;
  }

  async #follow(node: number): Promise<void> {
    const { client, onError } = this.#options;
    const topic = this.stored.name;
    for (let turn = 0; !this.#stop.signal.aborted; turn++) {
      const share = this.#options.maxBytes / Math.max(1, this.#tails.size);
      const led = [...this.#tails].filter(([partition]) => this.#leader(partition) === node);
      if (led.length === 0) return;
      const open = led.filter(([, tail]) => !waitsForReaders(tail, share));
      const metadata = this.#metadata;
      if (open.length === 0 || metadata === null) {
        await this.#pause(20);
        continue;
      }
      const inOrder = open.map(([partition, tail]) => ({ partition, from: tail.end, maxBytes: FETCH_BYTES }));
      // Of a batch that is larger than was asked for, Kafka sends only the first partition's.
      const ranges = [...inOrder.slice(turn % open.length), ...inOrder.slice(0, turn % open.length)];
      const fetch = async (ranges: FetchRange[], waitMs: number) => {
        const fetched = await client.use((client) =>
          fetchRanges(client, metadata, topic, node, ranges, waitMs, decodeRecords)
        );
        for (const range of fetched) {
          this.#take(range, share, ranges.find(({ partition }) => partition === range.partition)?.from);
        }
      };
      try {
        await fetch(ranges, WAIT_MS);
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        onError(error);
        if (isOutOfRange(error)) await this.#moveToKept(open).catch(onError);
        // The client gives nothing of an answer in which one partition has an error.
        else if (ranges.length > 1 && !isOfConnection(error)) await this.#fetchApart(ranges, fetch);
        await this.#pause();
        this.#plan();
        await this.#planning;
      }
    }
  }

  async #fetchApart(ranges: FetchRange[], fetch: (ranges: FetchRange[], waitMs: number) => Promise<void>) {
    const { onError } = this.#options;
    for (const range of ranges) {
      try {
        await fetch([range], 0);
      } catch (error) {
        if (this.#stop.signal.aborted || isOfConnection(error)) return;
        onError(
          new Error(`Cannot read partition ${range.partition} of ${this.stored.name} from ${range.from} on`, {
            cause: error,
          }),
        );
      }
    }
  }

  #take({ partition, records, leftOut, next }: FetchedRange, share: number, from: number | undefined): void {
    const tail = this.#tails.get(partition);
    // The partition is no longer owned, or was given up and taken over again with another start.
    if (tail === undefined || tail.end !== from) return;
    tail.add(records, next);
    tail.shrink(share);
    if (leftOut > 0) this.#options.onError(notOurs(this.stored.name, partition, leftOut, next));
    if (records.length > 0) this.#options.onRecords(partition, records);
  }

  /** Retention deleted records before they were read, or the partition has lost its end. */
  async #moveToKept(tails: [number, PartitionTail][]): Promise<void> {
    for (const [partition, tail] of tails) {
      const [start, end] = await this.stored.edges(partition);
      // It may have been given up meanwhile, or taken over again.
      if (this.#tails.get(partition) !== tail) continue;
      if (start > tail.end) this.#tails.set(partition, new PartitionTail(start));
      else if (end < tail.end) {
        return this.#giveUp(`partition ${partition} ends at ${end}, and was read up to ${tail.end}`, partition);
      }
    }
  }

  /** What was read is not what the topic has. */
  #giveUp(why: string, partition?: number): void {
    this.#tails.clear();
    this.#options.onLost(new Error(`Cannot go on reading ${this.stored.name}: ${why}; it is read anew`), partition);
  }

  async #pause(ms = RETRY_MS): Promise<void> {
    await delay(ms, undefined, { signal: this.#stop.signal }).catch(() => {});
  }
}

/**
 * Readers are on their way through more than the tail's share; fetching more would drop what they are about to read.
 */
function waitsForReaders(tail: PartitionTail, share: number): boolean {
  return tail.bytes >= share * 0.9 && tail.readTo < tail.end && Date.now() - tail.readAt < PATIENCE_MS;
}

function notOurs(topic: string, partition: number, count: number, before: number): Error {
  return new Error(
    `Cannot use ${count} messages in partition ${partition} of ${topic} before offset ${before}, since no host wrote them: ` +
      "they are left out; let nothing else write to the topic",
  );
}

function takeWithin(records: Iterable<PlacedRecord>, maxEvents: number, maxBytes: number): PlacedRecord[] {
  const taken: PlacedRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    bytes += record.event.byteLength;
    if (taken.length > 0 && (taken.length >= maxEvents || bytes > maxBytes)) break;
    taken.push(record);
  }
  return taken;
}
