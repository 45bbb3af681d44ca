/**
 * Copies several databases while other processes write to them, all as they were at the same moment.
 * @module
 */

import { backup, DatabaseSync } from "node:sqlite";

/** How many pages are copied at a time. */
const RATE = 4096;
/** How long to wait for a writer to finish. */
const PATIENCE_MS = 10_000;

interface Copy {
  from: string;
  to: string;
}

/**
 * A plugin's retry is written to the store before its consumer's cursor moves in the event log, and a job's events to
 * the log before the job is marked as done in the store. So neither database may be copied as of an earlier moment than
 * the other. Writers of both are blocked for some milliseconds, until a reader of each has begun. From then on the
 * readers see that moment, however long the copying takes.
 */
export async function copyDatabases(copies: readonly Copy[]): Promise<void> {
  using stack = new DisposableStack();
  const open = (path: string) =>
    stack.adopt(new DatabaseSync(path, { timeout: PATIENCE_MS }), (database) => database.close());
  const locks = copies.map(({ from }) => open(from));
  const readers = copies.map(({ from, to }) => ({ reader: open(from), to }));
  for (const lock of locks) lock.exec("BEGIN IMMEDIATE");
  for (const { reader } of readers) {
    reader.exec("BEGIN");
    // A transaction takes its snapshot with its first query.
    reader.prepare("SELECT count(*) FROM sqlite_schema").get();
  }
  for (const lock of locks) lock.exec("ROLLBACK");
  for (const { reader, to } of readers) await backup(reader, to, { rate: RATE });
}
