/**
 * Copies databases while other processes write to them, all as they were at one moment.
 * @module
 */

import { backup, DatabaseSync } from "node:sqlite";

/** Pages copied at a time. */
const RATE = 4096;
/** How long a writer is waited for. */
const PATIENCE_MS = 10_000;

interface Copy {
  from: string;
  to: string;
}

/**
 * A plugin's retry is written to the store before its consumer's cursor moves in the event log, and a job's events to the log before the
 * job is done in the store. So neither may be copied before the other: writers of both are held up, some milliseconds, until a
 * reader of each has begun. Readers see what was there then, however long the copying takes.
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
    // A transaction begins to read with its first query.
    reader.prepare("SELECT count(*) FROM sqlite_schema").get();
  }
  for (const lock of locks) lock.exec("ROLLBACK");
  for (const { reader, to } of readers) await backup(reader, to, { rate: RATE });
}
