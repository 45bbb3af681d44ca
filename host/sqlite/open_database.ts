/**
 * Opens a SQLite file of ours and refuses, in words, one that is damaged, foreign or from a newer version.
 * @module
 */

import { statSync } from "node:fs";
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
  /** Says what is wrong with a file that SQLite finds nothing in; null when nothing is. It may be of any version up to this one. */
  check?(db: DatabaseSync): string | null;
}

/** The file is not what was written to it. The message is for the operator. */
export class DamagedDatabaseError extends Error {
  override name = "DamagedDatabaseError";
}

/** SQLite's words for a file with contradictions, and for one that is no database at all: not every error of node:sqlite has a code. */
const DAMAGE = /malformed|file is not a database/;

/** Files up to this size are checked in full at start; larger ones would hold up the start for minutes. */
const FULL_CHECK_BYTES = 256 * 1024 * 1024;

/**
 * Opens or creates the database in WAL mode and brings its schema up to date. Throws DamagedDatabaseError, or an error that says in words
 * why it cannot be opened.
 */
export function openDatabase(path: string, format: DatabaseFormat, synchronous: Synchronous): DatabaseSync {
  const refuse = (found: string, cause?: unknown) =>
    new Error(`Cannot open the ${format.what} at ${path}: ${found}`, cause === undefined ? undefined : { cause });
  // SQLite would take it for a new one.
  if (sizeOf(path) === 0) {
    throw new DamagedDatabaseError(`Cannot open the ${format.what} at ${path}: the file is empty`);
  }
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
    checkDamage(db, path, format);
    migrate(db, format, refuse);
    return db;
  } catch (error) {
    closeUntouched(db, path);
    if (error instanceof Error && error.message.startsWith("Cannot open")) throw error;
    if (DAMAGE.test(messageOf(error))) {
      throw new DamagedDatabaseError(`Cannot open the ${format.what} at ${path}: ${messageOf(error)}`, {
        cause: error,
      });
    }
    throw refuse(messageOf(error), error);
  }
}

function checkOwner(db: DatabaseSync, format: DatabaseFormat, refuse: (found: string) => Error): void {
  const owner = pragma(db, "application_id");
  const tables = Number(db.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.n);
  if (owner === 0 && tables === 0) db.exec(`PRAGMA application_id = ${format.applicationId}`);
  else if (owner !== format.applicationId) throw refuse(`the file is another program's or another kind of database`);
}

/**
 * The last connection to close moves the write-ahead log into the file, which spoils both when they do not belong together. With one that
 * may only read beside it, it is not the last, and that one moves nothing.
 */
function closeUntouched(db: DatabaseSync, path: string): void {
  let reader: DatabaseSync | undefined;
  try {
    reader = new DatabaseSync(path, { readOnly: true });
    reader.prepare("SELECT count(*) FROM sqlite_schema").get();
  } catch {
    // A file that cannot be read is not written to either.
  }
  db.close();
  reader?.close();
}

function checkDamage(db: DatabaseSync, path: string, format: DatabaseFormat): void {
  const found = isCutOff(path, pragma(db, "page_size"))
    ? "it ends within a page"
    : pragma(db, "page_count") * pragma(db, "page_size") > FULL_CHECK_BYTES
    ? null
    : quickCheck(db) ?? format.check?.(db) ?? null;
  if (found === null) return;
  throw new DamagedDatabaseError(`Cannot open the ${format.what} at ${path}: the file is damaged: ${found}`);
}

/** SQLite takes the missing part of a page for zeros. A page that a full disk cut off is in the write-ahead log as a whole. */
function isCutOff(path: string, pageSize: number): boolean {
  return (sizeOf(path) ?? 0) % pageSize !== 0 && !sizeOf(`${path}-wal`);
}

/** Undefined when there is no such file. */
function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}

/** The first contradiction in the file; null when there is none. */
export function quickCheck(db: DatabaseSync): string | null {
  const found = String(Object.values(db.prepare("PRAGMA quick_check(1)").get() ?? {})[0]).split("\n").at(-1) ?? "";
  return found === "ok" ? null : found;
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
