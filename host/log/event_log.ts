/**
 * The durable queue between the capture API, the router and the consumers. It has two topics: `inbox` (what SDKs sent)
 * and `outbox` (what the plugins made of it). Within a topic records are kept by project, and records with the same key
 * keep their order. The interface does not assume SQLite: on Kafka a topic is a Kafka topic, the partition key is
 * project and key, and a cursor is a vector of offsets.
 * @module
 */

export type Topic = "inbox" | "outbox";

/**
 * A position in one project's part of a topic. Opaque; "" precedes the first record. Only the log compares cursors.
 *
 * On a log shared by several hosts there are two kinds. A reader's own cursor, which `cursor`, `register` and `move`
 * give, and `read` from there on, spans what this host owns, and is valid as long as the host owns it and nobody moves
 * the reader. It alone can be committed. Any other one, of `position`, `cursorAt`, `readBack` or a `read` from "", is a
 * position: it spans the parts of all hosts and stays valid. A reader can be moved there, but does not go on from it.
 */
export type Cursor = string;

export interface LogRecord {
  /** The event's `distinct_id`, by which order is kept. */
  key: string;
  /** The event as UTF-8 JSON. Read-only, because readers may share its bytes. */
  event: Uint8Array;
  /**
   * How many posthog.capture calls of plugins lie between this event and an SDK; absent or 0 when an SDK sent it. The
   * log keeps it next to the event.
   */
  depth?: number;
}

export interface StoredRecord extends LogRecord {
  cursor: Cursor;
  /** When the log took the record, in milliseconds since the epoch. */
  at: number;
  /** Where it lies in the topic, if not even readers of the same record are given the same cursor. */
  place?: string;
}

/** Records, newest first. */
export interface BackPage {
  /** As always, `cursor` is the position after the record; `before` is the position in front of it. */
  records: (StoredRecord & { before: Cursor })[];
  /** Where to continue; null when nothing older is kept. */
  next: Cursor | null;
}

export interface ReadLimits {
  maxEvents: number;
  maxBytes: number;
}

/** Which way a reader is moved. */
export type Direction = "back" | "ahead";

export interface PositionBounds {
  atLeast?: Cursor;
  atMost?: Cursor;
}

/** How far a reader is behind. */
export interface Lag {
  events: number;
  /** The age in seconds of the oldest unread record; 0 when there is none. */
  seconds: number;
}

/** Thrown by append when the log has reached its size limit on disk; intake answers 503. */
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
 * Thrown when a cursor is no longer valid for its reader: on a log shared by several hosts, parts of it came to this
 * host or left it, or another host moved the reader. The reader fetches its committed cursor and continues there.
 */
export class StaleCursorError extends Error {
  override name = "StaleCursorError";
  constructor() {
    super("Cannot go on from this cursor: what this host owns of the event log has changed");
  }
}

/** Thrown for a text that is not a cursor, which is possible because clients of the API send cursors back. */
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
  /** The most bytes that an event may have, also after the plugins; absent when the log takes events of any size. */
  readonly maxEventBytes?: number;

  /**
   * Resolves when every record is durable. Appends that arrive together share one sync to disk. Each call is all or
   * nothing.
   */
  append(topic: Topic, project: number, records: LogRecord[]): Promise<void>;

  /**
   * Records after `after`, oldest first; empty when there are none yet. Returns at least one record, even if it exceeds
   * maxBytes.
   */
  read(topic: Topic, project: number, after: Cursor, limits: ReadLimits): Promise<StoredRecord[]>;

  /**
   * Records before the cursor, newest first; null means the end. Returns at least one record if there is any, even if
   * it exceeds maxBytes. Where the way to the next one is long, a page without records says where to continue.
   */
  readBack(topic: Topic, project: number, before: Cursor | null, limits: ReadLimits): Promise<BackPage>;

  /** Resolves when the project's part of the topic has a record after `after`. Rejects with the signal's reason. */
  waitForRecords(topic: Topic, project: number, after: Cursor, signal: AbortSignal): Promise<void>;

  /**
   * The router's step, in one transaction: it appends the records to the outbox and moves the router's cursor in the
   * inbox. After a crash either both happened or neither.
   */
  step(project: number, reader: string, inboxCursor: Cursor, outbox: LogRecord[]): Promise<void>;

  /** A reader's own cursor, from what it has committed; "" when it has none. */
  cursor(topic: Topic, project: number, reader: string): Promise<Cursor>;

  /**
   * Commits how far a reader has come: its own cursor, or that of a record read from there on. A reader that has
   * committed holds back retention until it is forgotten.
   * @throws StaleCursorError on a shared log, when the cursor is no longer valid, as after a move by anyone
   */
  commit(topic: Topic, project: number, reader: string, cursor: Cursor): Promise<void>;

  /**
   * Moves a reader on all hosts, and returns its own cursor to go on from. It only goes in the one direction: where a
   * part of the topic is already as far `back` or `ahead` as `to`, the reader stays where it is. A part that `to` does
   * not span stays too.
   */
  move(topic: Topic, project: number, reader: string, direction: Direction, to: Cursor): Promise<Cursor>;

  /**
   * Where a reader stands on all hosts. With bounds, each part of the topic is taken at the earlier of that and
   * `atMost`, or the later of that and `atLeast`. Equal positions are equal texts.
   */
  position(topic: Topic, project: number, reader: string, bounds?: PositionBounds): Promise<Cursor>;

  /**
   * Registers a reader without a cursor at the end (`latest`) or the start (`earliest`) of what is kept. An existing
   * cursor stays.
   */
  register(topic: Topic, project: number, reader: string, from: "earliest" | "latest"): Promise<Cursor>;

  /** Removes a reader, so that retention no longer waits for it. */
  forget(topic: Topic, project: number, reader: string): Promise<void>;

  /** The position just before the first record taken at or after the time, in milliseconds since the epoch. */
  cursorAt(topic: Topic, project: number, time: number): Promise<Cursor>;

  lag(topic: Topic, project: number, after: Cursor): Promise<Lag>;

  /** How many events there are behind a position, on all hosts. */
  count(topic: Topic, project: number, after: Cursor): Promise<EventCount>;

  /** The log's size on this host's disk; null when it is stored elsewhere. */
  size(): LogSize | null;

  /** What this host has of a log that it shares with others; null when the log is its own. */
  share(): LogShare | null;
}

export interface LogShare {
  /** The partitions of each topic that this host owns, lowest first: it routes or delivers what is in them. */
  owned: Record<Topic, number[]>;
  /** How many there are. */
  all: number;
  /** Whether the host has ever had its part since it started, be it that there was nothing left for it. */
  settled: boolean;
  /** True when the log answers. */
  ping(): Promise<boolean>;
}

export interface EventCount {
  events: number;
  /** False when there may be fewer, since what other hosts own was not counted by project. */
  exact: boolean;
}

/** Sizes in bytes. */
export interface LogSize {
  used: number;
  /** The size at which append starts to refuse. */
  max: number;
  /** Damaged records found since the log was opened. */
  damaged: number;
}
