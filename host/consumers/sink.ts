/**
 * What a consumer delivers to: a destination, or a plugin's onEvent or exportEvents.
 * @module
 */

import type { StoredRecord } from "../log/event_log.ts";

/** An event that the sink will never take, and why. */
export interface Rejection {
  /** Index into the batch. */
  index: number;
  reason: string;
  /**
   * A plugin's function threw at it: it has seen the event, and its log and errors say so. The consumer counts it
   * apart; all others it copies to the dead letters.
   */
  threw?: true;
}

/**
 * Thrown by deliver when the batch as a whole should be tried again: the consumer waits (its own backoff, or
 * `retryAfterMs` when the far side named a time) and delivers the same batch again. Nothing is lost, the lag grows.
 */
export class TryLaterError extends Error {
  override name = "TryLaterError";
  constructor(message: string, readonly retryAfterMs?: number, options?: ErrorOptions) {
    super(message, options);
  }
}

/**
 * Thrown by deliver when the far side asked to be sent nothing more (a webhook that answers 410): the consumer pauses
 * with this reason until somebody resumes it. Nothing is lost, the lag grows.
 */
export class PauseError extends Error {
  override name = "PauseError";
}

export interface Sink extends AsyncDisposable {
  /**
   * Resolves when every event is safe at the far side, or rejected for good. Any error other than TryLaterError and
   * PauseError counts as TryLaterError without a time. Called with one batch at a time, in the log's order; may see a
   * batch again after a crash.
   */
  deliver(batch: StoredRecord[], signal: AbortSignal): Promise<Rejection[]>;
}

/** How a consumer collects a batch. */
export interface Batching {
  maxEvents: number;
  maxBytes: number;
  /** How long to wait for a batch to fill after its first event; 0 delivers what is there. */
  maxWaitMs: number;
}

/** Which events a consumer wants; others are passed over. */
export type EventFilter = (event: Uint8Array) => boolean;
