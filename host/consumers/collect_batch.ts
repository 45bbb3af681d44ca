/**
 * Reads one consumer's part of the outbox and forms batches: it skips the events that the consumer does not want, and
 * waits for a batch to fill as long as the consumer's batching allows.
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Cursor, EventLog, StoredRecord } from "../log/event_log.ts";
import type { Batching, EventFilter } from "./sink.ts";

/** What one read of the log takes at most. */
const READ_LIMITS = { maxEvents: 500, maxBytes: 4 * 1024 * 1024 };

/**
 * Upper bounds on every batching: a batch has to fit into the host's memory and, for a plugin, into one frame of 64
 * MiB.
 */
const MAX_BATCH_BYTES = 32 * 1024 * 1024;

export interface CollectorOptions {
  log: EventLog;
  project: number;
  batching: Batching;
  filter?: EventFilter;
  /** What an event counts against `maxBytes`; its own bytes by default. */
  measure?(event: Uint8Array): number;
  clock: Clock;
}

/** Wanted events in the log's order; possibly none, when only unwanted ones were read. */
export interface CollectedBatch {
  records: StoredRecord[];
  /** The last record read: what to commit when the batch is delivered. */
  end: Cursor;
}

export interface CollectSignals {
  /** Ends every wait. */
  wake: AbortSignal;
  /** Aborted: what is there is delivered without waiting for more. */
  hurry: AbortSignal;
}

export interface Collector {
  /**
   * The next batch after the cursor; null when there is nothing yet and a signal ended the wait, or when woken while a
   * batch was filling.
   */
  next(after: Cursor, signals: CollectSignals): Promise<CollectedBatch | null>;
}

export function createCollector(options: CollectorOptions): Collector {
  const { log, project, batching, filter, clock } = options;
  const measure = options.measure ?? ((event: Uint8Array) => event.byteLength);
  /** Read but not yet used: all of it lies after `aheadOf`. */
  let ahead: StoredRecord[] = [];
  let aheadOf: Cursor | null = null;

  /** Resolves when there is something after the cursor, when the time has come, or when a signal ends the wait. */
  async function wait(after: Cursor, until: number | null, { wake, hurry }: CollectSignals): Promise<void> {
    const over = new AbortController();
    const signal = AbortSignal.any([wake, hurry, over.signal]);
    const arrival = log.waitForRecords("outbox", project, after, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    if (until === null) return await arrival;
    const time = clock.sleep(until - clock.now(), signal);
    await Promise.race([arrival, time]).finally(() => over.abort());
    await Promise.allSettled([arrival, time]);
  }

  async function next(after: Cursor, signals: CollectSignals): Promise<CollectedBatch | null> {
    if (aheadOf !== after) ahead = [];
    const records: StoredRecord[] = [];
    let size = 0;
    let bytes = 0;
    let end = after;
    let fullAt: number | null = null;
    for (;;) {
      if (ahead.length === 0) {
        // Skipped events are committed chunk by chunk, so that a long stretch without a wanted event holds nothing
        // back.
        if (records.length === 0 && end !== after) break;
        if (signals.wake.aborted) return null;
        ahead = await log.read("outbox", project, end, READ_LIMITS);
        if (ahead.length > 0) continue;
        if (signals.hurry.aborted || (fullAt !== null && clock.now() >= fullAt)) {
          if (records.length === 0) return null;
          break;
        }
        await wait(end, fullAt, signals);
        continue;
      }
      const record = ahead[0] as StoredRecord;
      if (filter === undefined || filter(record.event)) {
        const weight = measure(record.event);
        bytes += record.event.byteLength;
        if (records.length > 0 && (size + weight > batching.maxBytes || bytes > MAX_BATCH_BYTES)) break;
        records.push(record);
        size += weight;
        // Measured by the log's time, so that after a restart a batch does not start to wait anew.
        fullAt ??= Math.min(clock.now(), record.at) + batching.maxWaitMs;
      }
      end = record.cursor;
      ahead.shift();
      if (records.length >= batching.maxEvents || size > batching.maxBytes) break;
    }
    aheadOf = end;
    return { records, end };
  }

  return { next };
}
