/**
 * Opens a SQLite file of ours and refuses, in words, one that is damaged, foreign or from a newer version.
 * @module
 */

import { DatabaseSync } from "node:sqlite";

/** What a commit waits for. `full`: the disk; `normal`: the disk at checkpoints only; `off`: nothing. */
export type Synchronous = "full" | "normal" | "off";

export interface DatabaseFormat {
  /** What the file is, for messages: "event log". */
  what: string;
  /** Marks the file as ours (PRAGMA application_id). */
  applicationId: number;
  /** Entry n brings a file from version n to n + 1. */
  migrations: readonly string[];
  pageSize: number;
}

/** Files up to this size are checked in full at start; larger ones would hold up the start for minutes. */
const FULL_CHECK_BYTES = 256 * 1024 * 1024;

/** Opens or creates the database in WAL mode and brings its schema up to date. */
export function openDatabase(path: string, format: DatabaseFormat, synchronous: Synchronous): DatabaseSync {
  const refuse = (found: string, cause?: unknown) =>
    new Error(`Cannot open the ${format.what} at ${path}: ${found}`, cause === undefined ? undefined : { cause });
  let db: DatabaseSync;
  try {
    db = new DatabaseSync(path, { timeout: 5_000 });
  } catch (error) {
    throw refuse(messageOf(error), error);
  }
  try {
    // The page size only takes effect in a file that is still empty.
    db.exec(`PRAGMA page_size = ${format.pageSize}; PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous};
      PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY`);
    checkOwner(db, format, refuse);
    checkDamage(db, refuse);
    migrate(db, format, refuse);
    return db;
  } catch (error) {
    db.close();
    if (error instanceof Error && error.message.startsWith("Cannot open")) throw error;
    throw refuse(
      `${messageOf(error)}; restore the file from a copy, or move it away to start with an empty one`,
      error,
    );
  }
}

function checkOwner(db: DatabaseSync, format: DatabaseFormat, refuse: (found: string) => Error): void {
  const owner = pragma(db, "application_id");
  const tables = Number(db.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.n);
  if (owner === 0 && tables === 0) db.exec(`PRAGMA application_id = ${format.applicationId}`);
  else if (owner !== format.applicationId) throw refuse(`the file is another program's or another kind of database`);
}

function checkDamage(db: DatabaseSync, refuse: (found: string) => Error): void {
  if (pragma(db, "page_count") * pragma(db, "page_size") > FULL_CHECK_BYTES) return;
  const found = String(Object.values(db.prepare("PRAGMA quick_check(1)").get() ?? {})[0]).split("\n").at(-1);
  if (found === "ok") return;
  throw refuse(
    `the file is damaged: ${found}; restore it from a copy, or move it away to start with an empty one`,
  );
}

function migrate(db: DatabaseSync, format: DatabaseFormat, refuse: (found: string) => Error): void {
  db.exec("BEGIN IMMEDIATE");
  const version = pragma(db, "user_version");
  if (version > format.migrations.length) {
    throw refuse(
      `it has schema version ${version}, this version of Hogpen knows up to ${format.migrations.length}; start a newer Hogpen`,
    );
  }
  for (const migration of format.migrations.slice(version)) db.exec(migration);
  db.exec(`PRAGMA user_version = ${format.migrations.length}; COMMIT`);
}

/** A pragma's number. */
export function pragma(db: DatabaseSync, name: string): number {
  return Number(Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
