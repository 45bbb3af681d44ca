/**
 * A far side that a test can take down, and that remembers what it took.
 * @module
 */

import type { ConsumerSpec } from "../../../host/consumers/consumer.ts";
import type { Rejection } from "../../../host/consumers/sink.ts";
import type { StoredRecord } from "../../../host/log/event_log.ts";
import { namesOf } from "../flow.ts";

export class FarSide {
  /** Names of the events of each batch taken. */
  readonly batches: string[][] = [];
  /** Batches offered, taken or not. */
  offered = 0;
  /** Called before a batch is taken: may wait, throw, or reject single events. */
  before: (records: StoredRecord[], signal: AbortSignal) => Promise<Rejection[]> | Rejection[] = () => [];

  get names(): string[] {
    return this.batches.flat();
  }

  deliver = async (records: StoredRecord[], signal: AbortSignal): Promise<Rejection[]> => {
    this.offered++;
    const rejections = await this.before(records, signal);
    this.batches.push(namesOf(records.filter((_, index) => rejections.every((each) => each.index !== index))));
    return rejections;
  };

  /** A consumer of project 1 that delivers here. */
  spec(id: string, more: Partial<ConsumerSpec> = {}): ConsumerSpec {
    return {
      id,
      project: 1,
      revision: "1",
      batching: { maxEvents: 10, maxBytes: 1_000_000, maxWaitMs: 0 },
      openSink: () => ({ deliver: this.deliver, [Symbol.asyncDispose]: () => Promise.resolve() }),
      ...more,
    };
  }
}
