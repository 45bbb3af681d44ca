/**
 * One request for records of a partition, whose answer is filtered: records of aborted transactions are left out.
 *
 * The client's own filter is not used (see LIST_ABORTED); it also dropped such records only when the end of their
 * transaction was in the same answer. Here the list of aborted transactions that comes with the answer is applied to
 * each of its batches.
 * @module
 */

import {
  type ClusterMetadata,
  type Consumer,
  FetchIsolationLevels,
  type KafkaRecord,
  type RecordsBatch,
} from "@platformatic/kafka";
import type { Buffer } from "node:buffer";
import { hasInIt } from "../cluster/client_error.ts";
import type { PlacedRecord } from "./record_codec.ts";

type FetchResponse = Awaited<ReturnType<FetchClient["fetch"]>>;
type FetchResponsePartition = NonNullable<FetchResponse>["responses"][number]["partitions"][number];

/** A consumer that is only used to fetch and never joins a group. */
export type FetchClient = Consumer<Buffer, Buffer, Buffer, Buffer>;

export interface FetchRange {
  partition: number;
  /** The offset of the first record wanted. */
  from: number;
  maxBytes: number;
}

export interface FetchedRange<T = PlacedRecord> {
  partition: number;
  records: T[];
  /** Messages that were left out because they are of another kind. */
  leftOut: number;
  /** The offset from which to continue. */
  next: number;
  /** The offset of the oldest record that the topic still has. */
  logStart: number;
  /** The offset up to which all transactions have ended. */
  stable: number;
  /** The offset after the newest record. */
  end: number;
}

/**
 * READ_COMMITTED for Kafka, which lists aborted transactions then, but not for the client. Its own filter throws where
 * nobody can catch it: the end of a transaction that was aborted before it wrote anything stands in the topic, and not
 * in the list. A host that reads such an answer would end, and again when it is started.
 */
const LIST_ABORTED = String(FetchIsolationLevels.READ_COMMITTED) as unknown as number;

const CONTROL_BATCH = 32;
const TRANSACTIONAL_BATCH = 16;

/** Converts the messages of a batch; leaves out those of another kind. */
export type DecodeBatch<T> = (batch: RecordsBatch, messages: KafkaRecord[]) => T[];

/** Records of one partition, from its leading broker. */
export async function fetchPartition<T>(
  client: FetchClient,
  topic: string,
  range: FetchRange,
  waitMs: number,
  decode: DecodeBatch<T>,
): Promise<FetchedRange<T>> {
  const metadata = await client.metadata({ topics: [topic] });
  const node = metadata.topics.get(topic)?.partitions[range.partition]?.leader ?? -1;
  const [fetched] = await fetchRanges(client, metadata, topic, node, [range], waitMs, decode);
  if (fetched === undefined) throw new Error(`Cannot read partition ${range.partition} of ${topic}: Kafka left it out`);
  return fetched;
}

/**
 * Records of partitions that one broker leads. Waits up to `waitMs` milliseconds for some.
 * @throws when the broker is unavailable or no longer leads the partitions
 */
export async function fetchRanges<T>(
  client: FetchClient,
  metadata: ClusterMetadata,
  topic: string,
  node: number,
  ranges: FetchRange[],
  waitMs: number,
  decode: DecodeBatch<T>,
): Promise<FetchedRange<T>[]> {
  const topicId = metadata.topics.get(topic)?.id;
  if (topicId === undefined) throw new Error(`Cannot read topic ${topic}: Kafka does not have it`);
  const response = await client.fetch({
    node,
    maxWaitTime: waitMs,
    minBytes: 1,
    maxBytes: ranges.reduce((sum, { maxBytes }) => sum + maxBytes, 0),
    isolationLevel: LIST_ABORTED,
    topics: [{
      topicId,
      partitions: ranges.map(({ partition, from, maxBytes }) => ({
        partition,
        fetchOffset: BigInt(from),
        currentLeaderEpoch: -1,
        lastFetchedEpoch: -1,
        partitionMaxBytes: maxBytes,
      })),
    }],
  });
  const answers = response.responses.flatMap(({ partitions }) => partitions);
  return ranges.flatMap((range) => {
    const answer = answers.find(({ partitionIndex }) => partitionIndex === range.partition);
    return answer === undefined ? [] : [readAnswer(range, answer, decode)];
  });
}

/** Whether the client's error says that the partition does not have an offset (any longer, or yet). */
export function isOutOfRange(error: unknown): boolean {
  return hasInIt(error, "apiId", "OFFSET_OUT_OF_RANGE");
}

function readAnswer<T>(range: FetchRange, answer: FetchResponsePartition, decode: DecodeBatch<T>): FetchedRange<T> {
  const batches = answer.records ?? [];
  let next = range.from;
  const records: T[] = [];
  let leftOut = 0;
  for (const batch of committedBatches(batches, answer)) {
    // A batch is sent whole, including messages before the requested offset.
    const before = range.from - Number(batch.firstOffset);
    const wanted = before > 0 ? batch.records.filter(({ offsetDelta }) => offsetDelta >= before) : batch.records;
    const decoded = decode(batch, wanted);
    for (const record of decoded) records.push(record);
    leftOut += wanted.length - decoded.length;
  }
  for (const batch of batches) next = Math.max(next, Number(batch.firstOffset) + batch.lastOffsetDelta + 1);
  return {
    partition: range.partition,
    records,
    leftOut,
    next,
    logStart: Number(answer.logStartOffset),
    stable: Number(answer.lastStableOffset),
    end: Number(answer.highWatermark),
  };
}

function* committedBatches(batches: RecordsBatch[], answer: FetchResponsePartition): Generator<RecordsBatch> {
  const aborted = [...(answer.abortedTransactions ?? [])].sort((a, b) => Number(a.firstOffset - b.firstOffset));
  const open = new Set<bigint>();
  for (const batch of batches) {
    while (aborted.length > 0 && (aborted[0] as { firstOffset: bigint }).firstOffset <= batch.firstOffset) {
      open.add((aborted.shift() as { producerId: bigint }).producerId);
    }
    if ((batch.attributes & CONTROL_BATCH) !== 0) open.delete(batch.producerId);
    else if ((batch.attributes & TRANSACTIONAL_BATCH) === 0 || !open.has(batch.producerId)) yield batch;
  }
}
