/**
 * Reads the progress that the last owner of a partition left, once it is certain that nothing more will follow: every
 * transaction that had begun in the partition of the progress topic has ended.
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import { type FetchClient, fetchPartition } from "../reading/committed_records.ts";
import type { Renewable } from "../cluster/renewable.ts";
import { parseProgress, type StoredProgress } from "./routing_progress.ts";

export interface ReadProgressOptions {
  client: Renewable<FetchClient>;
  topic: string;
  partition: number;
  signal: AbortSignal;
  /** Called while a transaction in the partition is still open; ends those of hosts that are gone. */
  endOthers(): Promise<void>;
  onError(error: Error): void;
}

/**
 * Every step writes one record and, when its transaction ends, one marker, so the newest record is among the last few.
 */
const LOOK_BACK = 200;
const FETCH_BYTES = 4 * 1024 * 1024;
const POLL_MS = 100;
/** A transaction that is open for longer, in milliseconds, should have been ended by Kafka. */
const LONG_MS = 30_000;

/** Null when nothing of the partition has been routed yet. */
export async function readProgress(options: ReadProgressOptions): Promise<StoredProgress | null> {
  const { first, end } = await edges(options);
  for (let back = LOOK_BACK;; back *= 20) {
    const from = Math.max(first, end - back);
    const found = await newestFrom(options, from, end);
    if (found !== null || from === first) return found;
  }
}

async function edges({ client, topic, partition }: ReadProgressOptions): Promise<{ first: number; end: number }> {
  const find = async (timestamp: bigint, isolationLevel: number) => {
    const query = { topics: [topic], partitions: { [topic]: [partition] }, timestamp, isolationLevel };
    const offsets = await client.use((client) => client.listOffsets(query));
    return Number(offsets.get(topic)?.[partition] ?? 0n);
  };
  // With uncommitted records, so that open transactions are waited for.
  return { first: await find(-2n, 0), end: await find(-1n, 0) };
}

async function newestFrom(options: ReadProgressOptions, start: number, end: number): Promise<StoredProgress | null> {
  const { client, topic, partition, signal, endOthers, onError } = options;
  let newest: StoredProgress | null = null;
  let asked = false;
  let since = Date.now();
  for (let from = start; from < end;) {
    signal.throwIfAborted();
    const range = await client.use((client) =>
      fetchPartition(
        client,
        topic,
        { partition, from, maxBytes: FETCH_BYTES },
        0,
        (_batch, messages) => messages.flatMap(({ value }) => value === null ? [] : parseProgress(value) ?? []),
      )
    );
    newest = range.records.at(-1) ?? newest;
    if (range.next > from) {
      since = Date.now();
      from = range.next;
      continue;
    }
    // Compaction may have removed the last offsets; otherwise a transaction is open.
    if (range.stable >= end) break;
    if (!asked) await endOthers();
    asked = true;
    if (Date.now() - since > LONG_MS) {
      since = Date.now();
      onError(stillOpen(topic, partition));
    }
    await delay(POLL_MS, undefined, { signal });
  }
  return newest;
}

function stillOpen(topic: string, partition: number): Error {
  return new Error(
    `Cannot take over partition ${partition}: a transaction in ${topic} has been open for ${
      LONG_MS / 1000
    } s, and Kafka ` +
      `does not end it; if this stays, find it with kafka-transactions.sh find-hanging --topic ${topic}, and end it ` +
      "with kafka-transactions.sh abort",
  );
}
