/**
 * Records of the log as Kafka messages. The key is project and `distinct_id`, so that what must stay in order is in one
 * partition; the value is the event's JSON; headers carry what the log keeps next to the event.
 * @module
 */

import { Buffer } from "node:buffer";
import { type KafkaRecord, type MessageToProduce, murmur2, type RecordsBatch } from "@platformatic/kafka";
import type { LogRecord } from "../../event_log.ts";

const PROJECT = Buffer.from("project");
const MORE = Buffer.from("more");

/** A record as it was read, with its position. */
export interface PlacedRecord extends LogRecord {
  project: number;
  offset: number;
  /** When it was sent, in milliseconds since the epoch. */
  at: number;
}

/** The partition of a message's key, in both topics. */
function partitionOf(key: Buffer, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions;
}

export function encodeRecord(
  topic: string,
  project: number,
  record: LogRecord,
  partitions: number,
): MessageToProduce<Buffer, Buffer, Buffer, Buffer> {
  const { key, event, ...more } = record;
  const keyBytes = Buffer.from(`${project}:${key}`);
  const headers = new Map([[PROJECT, Buffer.from(String(project))]]);
  if (Object.values(more).some((value) => value !== undefined && value !== 0)) {
    headers.set(MORE, Buffer.from(JSON.stringify(more)));
  }
  return {
    topic,
    partition: partitionOf(keyBytes, partitions),
    key: keyBytes,
    value: Buffer.from(event.buffer, event.byteOffset, event.byteLength),
    headers,
    timestamp: BigInt(Date.now()),
  };
}

/** Null for a message that is not ours. */
export function decodeRecord(batch: RecordsBatch, record: KafkaRecord): PlacedRecord | null {
  const { key, value } = record;
  if (key === null || value === null) return null;
  let project = 0;
  let more: Partial<LogRecord> = {};
  for (const [name, content] of record.headers) {
    if (name === null || content === null) continue;
    if (name.equals(PROJECT)) project = Number(content.toString());
    else if (name.equals(MORE)) more = JSON.parse(content.toString()) as Partial<LogRecord>;
  }
  if (!Number.isSafeInteger(project) || project <= 0) return null;
  return {
    ...more,
    key: key.toString().slice(String(project).length + 1),
    // A copy: a view would keep everything that was fetched together in memory.
    event: new Uint8Array(value),
    project,
    offset: Number(batch.firstOffset) + record.offsetDelta,
    at: Number(batch.firstTimestamp + record.timestampDelta),
  };
}
