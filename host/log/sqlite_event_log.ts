/**
 * The event log on SQLite. This side numbers the records, gathers what arrives during a commit so that it shares the
 * next one, keeps the tail and wakes readers. The database lives in a thread of its own (host/log/log_thread.ts).
 * @module
 */

import { lastOf, unpackBlock } from "./block.ts";
import { DamageNotes } from "./damage_notes.ts";
import type {
  BackPage,
  Cursor,
  Direction,
  EventCount,
  EventLog,
  Lag,
  LogRecord,
  LogSize,
  PositionBounds,
  ReadLimits,
  StoredRecord,
  Topic,
} from "./event_log.ts";
import { LogFullError } from "./event_log.ts";
import { gatherCommit, type Work } from "./gather_commit.ts";
import type { LogDatabase } from "./log_database.ts";
import { formatCursor, parseCursor } from "./cursor.ts";
import { type FileLock, lockFile } from "../sqlite/file_lock.ts";
import { toBackEndError } from "../back_end_error.ts";
import type { Synchronous } from "../sqlite/open_database.ts";
import { Thread } from "../sqlite/thread.ts";
import { Parts } from "./parts.ts";
import { Tail } from "./tail.ts";

export interface SqliteEventLogOptions {
  /** The database file, in an existing folder. */
  path: string;
  /** Default `full`: an append survives a power failure. */
  synchronous?: Synchronous;
  /** The size on disk in bytes from which append is refused. Default 10 GiB. */
  maxBytes?: number;
  /**
   * How long, in milliseconds, records of the outbox are kept after all readers have passed them. Those of the inbox
   * are deleted at once. Default 7 days.
   */
  retentionMs?: number;
  /**
   * While the log is larger than this, records that all readers have passed are deleted, oldest first. Default half of
   * `maxBytes`.
   */
  retentionBytes?: number;
  /** How often retention runs, in milliseconds. Default 30 s. */
  trimEveryMs?: number;
  /** The bytes of memory for the newest records. Default 32 MiB. */
  tailBytes?: number;
  now?: () => number;
  /** How long to wait for another process that has the log open, in milliseconds. Default 0. */
  waitMs?: number;
  /** Called once about damaged records, which are left out. */
  onDamage?: (message: string) => void;
}

/** One project's part of a topic. Records are numbered from 1; 0 is before the first one. */
export interface PartContents {
  topic: Topic;
  project: number;
  /** The number of the last record. */
  last: number;
  /** The number of the last record that each reader has committed. */
  readers: ReadonlyMap<string, number>;
}

export interface SqliteLog extends EventLog {
  contents(): PartContents[];
}

/** A call that waits for its commit. */
interface Pending extends Work {
  bytes: number;
  done: PromiseWithResolvers<void>;
}

/** The most bytes in a commit, so that one burst does not delay everybody behind it. */
const MAX_COMMIT_BYTES = 8 * 1024 * 1024;
/**
 * The most bytes that may wait, more than a slow disk writes in a second or two: memory must not fill with what cannot
 * be written.
 */
const MAX_PENDING_BYTES = 128 * 1024 * 1024;
/** Blocks deleted per transaction of retention, which takes the thread a few milliseconds. */
const TRIM_BLOCKS = 32;
/** The milliseconds between two attempts to trim a nearly full log, whose readers may not have moved. */
const TRIM_PAUSE_MS = 250;
/** The bytes that a record costs besides its key and event, for the limit on disk. */
const RECORD_OVERHEAD_BYTES = 8;

/** Opens or creates the log. Rejects with a BackEndError when the file is damaged, newer, or in use. */
export async function openSqliteEventLog(options: SqliteEventLogOptions): Promise<SqliteLog> {
  const lock = await lockFile(`${options.path}.lock`, `the event log at ${options.path}`, options.waitMs);
  const thread = new Thread<LogDatabase>(new URL("./log_thread.ts", import.meta.url), "the event log");
  try {
    const opened = await thread.call("open", options.path, options.synchronous ?? "full");
    return new SqliteEventLog(thread, lock, options, new Parts(opened), opened);
  } catch (error) {
    await thread[Symbol.asyncDispose]();
    lock[Symbol.dispose]();
    throw toBackEndError(error);
  }
}

class SqliteEventLog implements SqliteLog {
  readonly #thread: Thread<LogDatabase>;
  readonly #lock: FileLock;
  readonly #parts: Parts;
  readonly #tail: Tail;
  readonly #maxBytes: number;
  readonly #retention: { ms: number; bytes: number };
  readonly #now: () => number;
  readonly #timer: ReturnType<typeof setInterval>;
  #pending: Pending[] = [];
  #pendingBytes = 0;
  #usedBytes: number;
  /** The time of the newest block: times in the log never go back, even if the clock does. */
  #at: number;
  #pump: Promise<void> | null = null;
  #trim: Promise<void> | null = null;
  #trimNotBefore = 0;
  #closed = false;
  readonly #damage: DamageNotes;

  constructor(
    thread: Thread<LogDatabase>,
    lock: FileLock,
    options: SqliteEventLogOptions,
    parts: Parts,
    opened: { at: number; usedBytes: number },
  ) {
    this.#thread = thread;
    this.#lock = lock;
    this.#parts = parts;
    this.#tail = new Tail(options.tailBytes ?? 32 * 1024 * 1024);
    this.#maxBytes = options.maxBytes ?? 10 * 1024 ** 3;
    this.#retention = {
      ms: options.retentionMs ?? 7 * 24 * 3600 * 1000,
      // Always below the limit: records that every reader has passed must never cause an append to be refused.
      bytes: Math.min(options.retentionBytes ?? this.#maxBytes / 2, this.#maxBytes * 0.9),
    };
    this.#now = options.now ?? Date.now;
    this.#damage = new DamageNotes(options.onDamage ?? (() => {}));
    this.#at = opened.at;
    this.#usedBytes = opened.usedBytes;
    this.#timer = setInterval(() => void this.#applyRetention(), options.trimEveryMs ?? 30_000);
  }

  append(topic: Topic, project: number, records: LogRecord[]): Promise<void> {
    if (records.length === 0) return Promise.resolve();
    const bytes = sizeOf(records);
    const used = this.#usedBytes + this.#pendingBytes;
    if (used + bytes > this.#retention.bytes) this.#trimSoon();
    if (used + bytes > this.#maxBytes) {
      return Promise.reject(new LogFullError(used, this.#maxBytes));
    }
    if (this.#pendingBytes > MAX_PENDING_BYTES) {
      return Promise.reject(new Error(`Cannot store events: ${this.#pendingBytes} bytes wait for the disk already`));
    }
    return this.#enqueue({ records: { part: this.#parts.get(topic, project), records }, reader: null, bytes });
  }

  // Not limited by maxBytes: refusing the router would keep the inbox from ever draining.
  async step(project: number, reader: string, inboxCursor: Cursor, outbox: LogRecord[]): Promise<void> {
    const part = this.#parts.get("inbox", project);
    const records = outbox.length === 0 ? null : { part: this.#parts.get("outbox", project), records: outbox };
    const offset = parseCursor(inboxCursor);
    await this.#enqueue({ records, reader: { part, reader, offset }, bytes: sizeOf(outbox) });
  }

  async read(topic: Topic, project: number, after: Cursor, limits: ReadLimits): Promise<StoredRecord[]> {
    const part = this.#parts.get(topic, project);
    const from = Math.max(parseCursor(after), part.first - 1);
    const records: StoredRecord[] = [];
    for (let offset = from; offset < part.last;) {
      const blocks = this.#tail.from(part.id, offset) ??
        await this.#thread.call("read", part.id, offset, limits.maxBytes);
      this.#damage.note(part, blocks);
      for (const block of blocks) if (!unpackBlock(block, offset, limits, records)) break;
      const end = blocks.at(-1);
      // Everything that was read is damaged; what follows may not be.
      if (records.length > 0 || end?.damaged === undefined) break;
      offset = lastOf(end);
    }
    // node:sqlite ends an iteration at a damaged page as if there were nothing more.
    if (records.length === 0 && limits.maxEvents > 0 && from < part.last) {
      throw new Error(
        `Cannot read the event log: what follows record ${from} of project ${project}'s ${topic} is damaged. ` +
          "Stop the service and run hogpen doctor",
      );
    }
    return records;
  }

  async readBack(topic: Topic, project: number, before: Cursor | null, limits: ReadLimits): Promise<BackPage> {
    const part = this.#parts.get(topic, project);
    const end = before === null ? part.last : parseCursor(before);
    const records: BackPage["records"] = [];
    const page = () => {
      const next = records.at(-1)?.before ?? formatCursor(0);
      return { records, next: parseCursor(next) < part.first ? null : next };
    };
    if (end < part.first) return page();
    let bytes = 0;
    const blocks = await this.#thread.call("readBack", part.id, end, limits.maxBytes);
    this.#damage.note(part, blocks);
    for (const block of blocks) {
      const own: StoredRecord[] = [];
      unpackBlock(block, 0, { maxEvents: Infinity, maxBytes: Infinity }, own);
      for (const record of own.reverse()) {
        const number = parseCursor(record.cursor);
        if (number > end) continue;
        bytes += record.event.length;
        if (records.length >= limits.maxEvents || (records.length > 0 && bytes > limits.maxBytes)) return page();
        records.push({ ...record, before: formatCursor(number - 1) });
      }
    }
    return page();
  }

  async waitForRecords(topic: Topic, project: number, after: Cursor, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#closed) throw closedError();
    await this.#parts.wait(this.#parts.get(topic, project), parseCursor(after), signal);
  }

  cursor(topic: Topic, project: number, reader: string): Promise<Cursor> {
    return Promise.resolve(formatCursor(this.#parts.get(topic, project).readers.get(reader) ?? 0));
  }

  async commit(topic: Topic, project: number, reader: string, cursor: Cursor): Promise<void> {
    const part = this.#parts.get(topic, project);
    await this.#enqueue({ records: null, reader: { part, reader, offset: parseCursor(cursor) }, bytes: 0 });
  }

  async move(topic: Topic, project: number, reader: string, direction: Direction, to: Cursor): Promise<Cursor> {
    const bounds = direction === "back" ? { atMost: to } : { atLeast: to };
    const cursor = await this.position(topic, project, reader, bounds);
    if (this.#parts.get(topic, project).readers.has(reader)) await this.commit(topic, project, reader, cursor);
    return cursor;
  }

  async position(topic: Topic, project: number, reader: string, bounds: PositionBounds = {}): Promise<Cursor> {
    const { atLeast = "", atMost } = bounds;
    const offset = Math.max(parseCursor(await this.cursor(topic, project, reader)), parseCursor(atLeast));
    return formatCursor(atMost === undefined ? offset : Math.min(offset, parseCursor(atMost)));
  }

  async register(topic: Topic, project: number, reader: string, from: "earliest" | "latest"): Promise<Cursor> {
    const part = this.#parts.get(topic, project);
    const known = part.readers.get(reader);
    if (known !== undefined) return formatCursor(known);
    const offset = from === "latest" ? part.last : part.first - 1;
    await this.#enqueue({ records: null, reader: { part, reader, offset }, bytes: 0 });
    return formatCursor(offset);
  }

  forget(topic: Topic, project: number, reader: string): Promise<void> {
    const part = this.#parts.get(topic, project);
    if (!part.readers.has(reader)) return Promise.resolve();
    return this.#enqueue({ records: null, reader: { part, reader, offset: null }, bytes: 0 });
  }

  async cursorAt(topic: Topic, project: number, time: number): Promise<Cursor> {
    const part = this.#parts.get(topic, project);
    const first = await this.#thread.call("firstSince", part.id, time);
    return formatCursor(first === null ? part.last : first - 1);
  }

  async lag(topic: Topic, project: number, after: Cursor): Promise<Lag> {
    const part = this.#parts.get(topic, project);
    const offset = Math.max(parseCursor(after), part.first - 1);
    if (offset >= part.last) return { events: 0, seconds: 0 };
    const at = this.#tail.from(part.id, offset)?.[0]?.at ?? await this.#thread.call("timeOf", part.id, offset + 1);
    return { events: part.last - offset, seconds: at === null ? 0 : Math.max(0, this.#now() - at) / 1000 };
  }

  async count(topic: Topic, project: number, after: Cursor): Promise<EventCount> {
    return { events: (await this.lag(topic, project, after)).events, exact: true };
  }

  share(): null {
    return null;
  }

  contents(): PartContents[] {
    return this.#parts.all().map(({ topic, project, last, readers }) => ({ topic, project, last, readers }));
  }

  size(): LogSize {
    return { used: this.#usedBytes, max: this.#maxBytes, damaged: this.#damage.count };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    this.#parts.rejectWaiting(closedError());
    await this.#pump;
    await this.#trim;
    try {
      await this.#thread.call("close");
    } finally {
      await this.#thread[Symbol.asyncDispose]();
      this.#lock[Symbol.dispose]();
    }
  }

  #enqueue(work: Omit<Pending, "done">): Promise<void> {
    if (this.#closed) return Promise.reject(closedError());
    const done = Promise.withResolvers<void>();
    this.#pending.push({ ...work, done });
    this.#pendingBytes += work.bytes;
    this.#pump ??= this.#run();
    return done.promise;
  }

  /** Commits until nothing is pending, one commit at a time. */
  async #run(): Promise<void> {
    // Appends of the same turn of the event loop already share the first commit.
    await Promise.resolve();
    while (this.#pending.length > 0) {
      const taken = this.#take();
      await this.#commit(taken);
      for (const { bytes } of taken) this.#pendingBytes -= bytes;
    }
    this.#pump = null;
  }

  #take(): Pending[] {
    let count = 0;
    for (let bytes = 0; count < this.#pending.length && (count === 0 || bytes < MAX_COMMIT_BYTES); count++) {
      bytes += this.#pending[count]!.bytes;
    }
    return this.#pending.splice(0, count);
  }

  async #commit(taken: Pending[]): Promise<void> {
    try {
      this.#at = Math.max(this.#at, this.#now());
      const { commit, blocks } = gatherCommit(taken, this.#at);
      this.#usedBytes = (await this.#thread.call("commit", commit)).usedBytes;
      for (const { part, block } of blocks) {
        this.#tail.push(part.id, block);
        part.last = lastOf(block);
      }
      for (const { reader, done } of taken) {
        if (reader?.offset === null) reader.part.readers.delete(reader.reader);
        else if (reader) reader.part.readers.set(reader.reader, reader.offset);
        done.resolve();
      }
      for (const { part } of blocks) this.#parts.wake(part);
    } catch (error) {
      const found = error instanceof Error ? error.message : String(error);
      const reason = new Error(`Cannot store events: ${found}`, { cause: error });
      for (const { done } of taken) done.reject(reason);
    }
  }

  /** Makes room without waiting for the timer when the log exceeds what it should keep. */
  #trimSoon(): void {
    if (performance.now() < this.#trimNotBefore) return;
    this.#trimNotBefore = performance.now() + TRIM_PAUSE_MS;
    void this.#applyRetention();
  }

  #applyRetention(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    // A failure is retried next time; a failing disk shows in the appends.
    return this.#trim ??= this.#trimAll().catch(() => {}).finally(() => this.#trim = null);
  }

  /** Deletes in small transactions, between which commits run. */
  async #trimAll(): Promise<void> {
    // Nobody reads the inbox again once the router has passed it; only the outbox can be replayed.
    const before = { inbox: Infinity, outbox: this.#now() - this.#retention.ms };
    const request = { maxBytes: this.#retention.bytes, limit: TRIM_BLOCKS };
    for (let more = true; more && !this.#closed;) {
      const trimmed = await this.#thread.call("trim", { ...request, floors: this.#parts.floors(before) });
      this.#parts.setFirsts(trimmed.firsts);
      this.#usedBytes = trimmed.usedBytes;
      more = trimmed.more;
    }
  }
}

function sizeOf(records: LogRecord[]): number {
  let bytes = records.length * RECORD_OVERHEAD_BYTES;
  for (const { key, event } of records) bytes += key.length + event.length;
  return bytes;
}

function closedError(): Error {
  return new Error("Cannot use the event log: it is closed");
}
