/**
 * Records of the log as Kafka messages. The key is project and `distinct_id`, so that what must stay in order is in one
 * partition; the value is the event's JSON; headers carry what the log keeps next to the event.
 * @module
 */

import { Buffer } from "node:buffer";
import { type KafkaRecord, type MessageToProduce, murmur2, type RecordsBatch } from "@platformatic/kafka";
import type { LogRecord } from "../../event_log.ts";

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
  const { key, event, depth = 0 } = record;
  const keyBytes = Buffer.from(`${project}:${key}`);
  return {
    topic,
    partition: partitionOf(keyBytes, partitions),
    key: keyBytes,
    value: Buffer.from(event.buffer, event.byteOffset, event.byteLength),
    ...(depth > 0 && { headers: new Map([[MORE, Buffer.from(JSON.stringify({ depth }))]]) }),
    timestamp: BigInt(Date.now()),
  };
}

/** The records of a batch; messages that no host has written are left out. */
export function decodeRecords(batch: RecordsBatch, messages: KafkaRecord[]): PlacedRecord[] {
  const [firstOffset, firstTimestamp] = [Number(batch.firstOffset), Number(batch.firstTimestamp)];
  // Copies, with one piece of memory for a batch: views would keep everything that was fetched together.
  const copies = new Uint8Array(messages.reduce((sum, { value }) => sum + (value?.byteLength ?? 0), 0));
  let used = 0;
  const records: PlacedRecord[] = [];
  for (const { key, value, headers, offsetDelta, timestampDelta } of messages) {
    if (key === null || value === null) continue;
    const text = key.toString();
    const colon = text.indexOf(":");
    const project = Number(text.slice(0, colon));
    const more = readMore(headers);
    if (colon < 1 || !Number.isSafeInteger(project) || project <= 0 || more === null) continue;
    const event = copies.subarray(used, used += value.byteLength);
    event.set(value);
    records.push({
      ...more,
      key: text.slice(colon + 1),
      event,
      project,
      offset: firstOffset + offsetDelta,
      at: firstTimestamp + Number(timestampDelta),
    });
  }
  return records;
}

/** What a record has beside its event; null when no host has written it. */
function readMore(headers: KafkaRecord["headers"]): Pick<LogRecord, "depth"> | null {
  const content = headers.find(([name]) => name?.equals(MORE))?.[1];
  if (content === undefined) return {};
  try {
    const { depth } = JSON.parse(content?.toString() ?? "") as { depth?: unknown };
    return typeof depth === "number" ? { depth } : null;
  } catch {
    return null;
  }
}
