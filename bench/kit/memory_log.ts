/**
 * An event log that keeps one project's inbox in memory and counts what reaches the outbox: for measuring the router's
 * path without the disk.
 * @module
 */

import type { EventLog, LogRecord, StoredRecord } from "../../host/log/event_log.ts";

export interface MemoryLog extends EventLog {
  /** Events in the outbox so far, and of which bytes. */
  readonly processed: { events: number; bytes: number };
  /** Events in the inbox that were not stepped over yet. */
  readonly waiting: number;
  /** Resolves at the next step. */
  stepped(): Promise<void>;
}

export function createMemoryLog(now: () => number): MemoryLog {
  let inbox: StoredRecord[] = [];
  /** Cursor of the record before the first that is kept. */
  let base = 0;
  let appended = Promise.withResolvers<void>();
  let stepped = Promise.withResolvers<void>();
  const processed = { events: 0, bytes: 0 };
  const position = (cursor: string) => Number(cursor || "0");

  return {
    processed,
    get waiting() {
      return inbox.length;
    },
    stepped: () => stepped.promise,
    append(_topic, _project, records: LogRecord[]) {
      for (const record of records) inbox.push({ ...record, cursor: String(base + inbox.length + 1), at: now() });
      appended.resolve();
      appended = Promise.withResolvers<void>();
      return Promise.resolve();
    },
    read(_topic, _project, after, limits) {
      const start = position(after) - base;
      return Promise.resolve(inbox.slice(start, start + limits.maxEvents));
    },
    readBack: () => Promise.resolve({ records: [], next: null }),
    async waitForRecords(_topic, _project, after, signal) {
      const aborted = Promise.withResolvers<never>();
      const abort = () => aborted.reject(signal.reason);
      signal.addEventListener("abort", abort, { once: true });
      try {
        while (position(after) >= base + inbox.length) await Promise.race([appended.promise, aborted.promise]);
      } finally {
        signal.removeEventListener("abort", abort);
      }
    },
    step(_project, _reader, inboxCursor, outbox) {
      const passed = position(inboxCursor) - base;
      inbox = inbox.slice(passed);
      base += passed;
      processed.events += outbox.length;
      for (const { event } of outbox) processed.bytes += event.byteLength;
      stepped.resolve();
      stepped = Promise.withResolvers<void>();
      return Promise.resolve();
    },
    cursor: () => Promise.resolve(String(base)),
    commit: () => Promise.resolve(),
    move: () => Promise.resolve(String(base)),
    position: () => Promise.resolve(String(base)),
    register: () => Promise.resolve(String(base)),
    forget: () => Promise.resolve(),
    count: () => Promise.resolve({ events: 0, exact: true }),
    cursorAt: () => Promise.resolve(String(base)),
    lag: () => Promise.resolve({ events: inbox.length, seconds: 0 }),
    size: () => null,
    share: () => null,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
