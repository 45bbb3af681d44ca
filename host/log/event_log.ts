/**
 * The durable queue between the capture API, the router and the consumers. Two topics: `inbox` (what SDKs sent) and
 * `outbox` (what the plugins made of it). Within a topic records are kept by project; records of one key keep their order.
 * Nothing here assumes SQLite: on Kafka a topic is a topic, the partition key is project and key, a cursor is a vector of offsets.
 * @module
 */

export type Topic = "inbox" | "outbox";

/** A place in one project's part of a topic. Opaque; "" is before the first record. Only the log compares cursors. */
export type Cursor = string;

export interface LogRecord {
  /** The event's `distinct_id`: what is kept in order. */
  key: string;
  /** The event as UTF-8 JSON. Read only: readers may share its bytes. */
  event: Uint8Array;
  /** How many posthog.capture calls of plugins lie between this event and an SDK; absent or 0: an SDK sent it. Kept by the log beside the event. */
  depth?: number;
}

export interface StoredRecord extends LogRecord {
  cursor: Cursor;
  /** Milliseconds since the epoch, when the log took it. */
  at: number;
}

/** Records in the order of their age. */
export interface BackPage {
  /** `cursor` lies behind a record, as always; `before` lies before it. */
  records: (StoredRecord & { before: Cursor })[];
  /** Where to go on; null when nothing older is kept. */
  next: Cursor | null;
}

export interface ReadLimits {
  maxEvents: number;
  maxBytes: number;
}

/** How far a reader is behind. */
export interface Lag {
  events: number;
  /** Age of the oldest record not yet read; 0 when there is none. */
  seconds: number;
}

/** Thrown by append when the log has reached its bound on disk; intake answers 503. */
export class LogFullError extends Error {
  override name = "LogFullError";
  constructor(readonly bytes: number, readonly maxBytes: number) {
    super(`Cannot store events: the event log holds ${bytes} bytes, its bound is ${maxBytes}`);
  }
}

/** Thrown by append when the log cannot be reached within a bounded time; intake answers 503. */
export class LogUnavailableError extends Error {
  override name = "LogUnavailableError";
}

/**
 * Thrown when a cursor no longer says where its reader is: on a log that several hosts share, parts of it came to this host or left it,
 * or another host moved the reader. The reader asks for its committed cursor and goes on there.
 */
export class StaleCursorError extends Error {
  override name = "StaleCursorError";
  constructor() {
    super("Cannot go on from this cursor: what this host owns of the event log has changed");
  }
}

/** Thrown for a text that is not a cursor: cursors come back from clients of the API. */
export class CursorError extends RangeError {
  override name = "CursorError";
  constructor(cursor: string) {
    super(
      `Cannot read from cursor ${
        JSON.stringify(cursor.slice(0, 100))
      }: expected one that an earlier answer gave, or none`,
    );
  }
}

export interface EventLog extends AsyncDisposable {
  /** Resolves when every record is durable. Appends that arrive together share one sync. All or nothing per call. */
  append(topic: Topic, project: number, records: LogRecord[]): Promise<void>;

  /** Records after `after`, oldest first; empty when there are none yet. At least one record even if it exceeds maxBytes. */
  read(topic: Topic, project: number, after: Cursor, limits: ReadLimits): Promise<StoredRecord[]>;

  /** Records before the cursor, newest first; null is the end. At least one record, if there is one, even if it exceeds maxBytes. */
  readBack(topic: Topic, project: number, before: Cursor | null, limits: ReadLimits): Promise<BackPage>;

  /** Resolves when the project's part of the topic has a record after `after`; rejects with the signal's reason. */
  waitForRecords(topic: Topic, project: number, after: Cursor, signal: AbortSignal): Promise<void>;

  /**
   * The router's step, in one transaction: the records go to the outbox and the router's cursor in the inbox moves.
   * After a crash either both happened or neither.
   */
  step(project: number, reader: string, inboxCursor: Cursor, outbox: LogRecord[]): Promise<void>;

  /** A reader's committed cursor; "" when it has none. */
  cursor(topic: Topic, project: number, reader: string): Promise<Cursor>;

  /** Commits a reader's cursor. A reader that commits holds back retention until it is forgotten. */
  commit(topic: Topic, project: number, reader: string, cursor: Cursor): Promise<void>;

  /** Registers a reader that has no cursor yet at the end (`latest`) or the start (`earliest`) of what is kept; keeps an existing cursor. */
  register(topic: Topic, project: number, reader: string, from: "earliest" | "latest"): Promise<Cursor>;

  /** Drops a reader, so that retention no longer waits for it. */
  forget(topic: Topic, project: number, reader: string): Promise<void>;

  /** The cursor just before the first record taken at or after the time (milliseconds since the epoch). */
  cursorAt(topic: Topic, project: number, time: number): Promise<Cursor>;

  lag(topic: Topic, project: number, after: Cursor): Promise<Lag>;

  /** What the log takes on this host's disk; null when it lies elsewhere. */
  size(): LogSize | null;

  /** What this host has of a log that it shares with others; null when the log is its own. */
  share(): LogShare | null;
}

export interface LogShare {
  /** The partitions that this host owns, lowest first. */
  owned: number[];
  /** How many there are. */
  all: number;
  /** Whether the host has ever had its part since it started, be it that there was nothing left for it. */
  settled: boolean;
  /** True when the log answers. */
  ping(): Promise<boolean>;
}

/** In bytes. */
export interface LogSize {
  used: number;
  /** Where append begins to refuse. */
  max: number;
  /** Records that were found not to be what was written, since the log was opened. */
  damaged: number;
}
