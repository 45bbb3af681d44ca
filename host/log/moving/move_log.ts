/**
 * Moves unfinished work from a log on SQLite to another log: events that were not routed, and events of the outbox that
 * some consumer has not delivered. Each consumer continues in the new log where it was in the old one.
 *
 * Progress is kept in the old log, where moved events count as routed and delivered. After a kill, the move continues
 * from there, and repeats one batch at most.
 * @module
 */

import { formatCursor, parseCursor } from "../cursor.ts";
import type { EventLog } from "../event_log.ts";
import type { PartContents, SqliteLog } from "../sqlite_event_log.ts";

/** A reader of the outbox whose cursor marks what has been moved. */
export const MOVER = "moved to another log";

const BATCH = { maxEvents: 1000, maxBytes: 1024 * 1024 };

export interface Moved {
  /** Events of the inbox. */
  inbox: number;
  /** Events of the outbox. */
  outbox: number;
  /** Consumers that have their cursor in the new log. */
  consumers: number;
}

export interface MoveLogOptions {
  from: SqliteLog;
  to: Pick<EventLog, "append" | "register">;
  /** The name of the router's cursor in the inbox. */
  router: string;
  moved: Moved;
  signal: AbortSignal;
}

/** How many events are still to be moved. */
export function leftIn(parts: PartContents[], router: string): { inbox: number; outbox: number } {
  const left = { inbox: 0, outbox: 0 };
  for (const { topic, last, readers } of parts) {
    if (topic === "inbox") left.inbox += last - (readers.get(router) ?? 0);
    else if (readers.size > 0) left.outbox += last - (readers.get(MOVER) ?? Math.min(...readers.values()));
  }
  return left;
}

/**
 * To be called before any event of the same projects is routed into the new log, so that events are delivered in the
 * order in which they were routed.
 */
export async function moveOutboxes({ from, to, moved, signal }: MoveLogOptions): Promise<void> {
  for (const { project, last, readers } of partsOf(from, "outbox")) {
    const consumers = new Map([...readers].filter(([reader]) => reader !== MOVER));
    if (consumers.size === 0) continue;
    let at = readers.get(MOVER) ?? Math.min(...consumers.values());
    for (;;) {
      signal.throwIfAborted();
      for (const [reader, offset] of consumers) {
        // A cursor that the reader already has, from before a kill, stays.
        if (offset <= at) await to.register("outbox", project, reader, "latest");
      }
      if (at >= last) break;
      const next = Math.min(last, ...[...consumers.values()].filter((offset) => offset > at));
      const records = await from.read("outbox", project, formatCursor(at), BATCH);
      const wanted = records.filter(({ cursor }) => parseCursor(cursor) <= next);
      await to.append("outbox", project, wanted.map(({ key, event, depth = 0 }) => ({ key, event, depth })));
      // Missing numbers are those of damaged records.
      at = wanted.length === 0 ? next : parseCursor(wanted.at(-1)!.cursor);
      moved.outbox += wanted.length;
      await from.commit("outbox", project, MOVER, formatCursor(at));
    }
    for (const reader of consumers.keys()) await from.commit("outbox", project, reader, formatCursor(last));
    await from.forget("outbox", project, MOVER);
    moved.consumers += consumers.size;
  }
}

/** Returns when nothing is left. Events may arrive in the meantime. */
export async function moveInboxes({ from, to, router, moved, signal }: MoveLogOptions): Promise<void> {
  for (let found = true; found;) {
    found = false;
    for (const { project } of partsOf(from, "inbox")) {
      signal.throwIfAborted();
      const after = await from.register("inbox", project, router, "earliest");
      const records = await from.read("inbox", project, after, BATCH);
      const end = records.at(-1)?.cursor;
      if (end === undefined) continue;
      await to.append("inbox", project, records.map(({ key, event, depth = 0 }) => ({ key, event, depth })));
      await from.step(project, router, end, []);
      moved.inbox += records.length;
      found = true;
    }
  }
}

function partsOf(log: SqliteLog, topic: PartContents["topic"]): PartContents[] {
  return log.contents().filter((part) => part.topic === topic && part.last > 0);
}
