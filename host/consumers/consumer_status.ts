/**
 * What the API and the metrics see of the consumers, and what an operator can do to them.
 * @module
 */

import type { Cursor, EventCount, Lag } from "../log/event_log.ts";

/**
 * `starting` is not yet registered in the log, `running` delivers or waits for events, `waiting` delivers again after
 * an error, `paused` and `stopped` do nothing.
 */
export type ConsumerState = "starting" | "running" | "waiting" | "paused" | "stopped";

export interface ConsumerStatus {
  /** `destination:<project>/<id>`, `onEvent:<plugin config>`, `exportEvents:<…>` or `composeWebhook:<…>`. */
  id: string;
  project: number;
  state: ConsumerState;
  /** Everything up to here is delivered. */
  cursor: Cursor;
  lag: Lag;
  /** Events taken by the far side since the service started. */
  delivered: number;
  /** Events at which the plugin's function threw since the service started. */
  threw: number;
  /** Events copied to the dead letters since the service started. */
  rejected: number;
  /** Why the last delivery failed; null once one succeeded. */
  lastError: { at: number; message: string } | null;
  /** Why it is paused, in words of the far side; "" when an operator paused it, null while it is not paused. */
  pausedFor: string | null;
  /** When it delivers again, while `waiting`. */
  nextAttemptAt: number | null;
  /** A rewind that is not yet caught up with: the part done, 0 to 1, and how many events are left. */
  replay: { fraction: number; eventsLeft: number } | null;
}

/** Where to rewind to: a cursor, or the first event taken at or after a time (milliseconds since the epoch). */
export type RewindTarget = { cursor: Cursor } | { time: number };

/** Something asked of a consumer that cannot be done; the message is for the operator. */
export class ConsumerControlError extends Error {
  override name = "ConsumerControlError";
  constructor(readonly reason: "unknown" | "conflict" | "invalid", message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** Rejects with ConsumerControlError. */
export interface ConsumerControl {
  list(): Promise<ConsumerStatus[]>;
  /** Null when there is none of that id. */
  get(id: string): Promise<ConsumerStatus | null>;
  /** Survives restarts. */
  pause(id: string): Promise<void>;
  resume(id: string): Promise<void>;
  /** Delivers again, to this consumer alone, what lies between the target and where it stands. */
  rewind(id: string, target: RewindTarget): Promise<void>;
  /** How many events a rewind to the target would deliver, on all hosts. */
  estimate(id: string, target: RewindTarget): Promise<EventCount>;
  /** Ends a rewind: what was delivered before it is not delivered again. */
  cancelReplay(id: string): Promise<void>;
  /** Leaves out everything up to now; returns how many events that were, on all hosts. */
  skip(id: string): Promise<EventCount>;
}
