/**
 * Opens a SQLite file of Hogpen's, and refuses one that is damaged, foreign or written by a newer version.
 * @module
 */

import { existsSync, rmSync, statSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

/** What a commit waits for: `full` for the disk, `normal` for the disk at checkpoints only, `off` for nothing. */
export type Synchronous = "full" | "normal" | "off";

export interface DatabaseFormat {
  /** What the file is, for messages: "event log". */
  what: string;
  /** Marks the file as Hogpen's (PRAGMA application_id). */
  applicationId: number;
  /** Entry n migrates a file from version n to n + 1. */
  migrations: readonly string[];
  pageSize: number;
  /** Files up to this size are checked completely at each start. Default 256 MB. */
  fullCheckBytes?: number;
  /**
   * Looks for damage that SQLite does not notice, and describes it; null if there is none. The file may be of any
   * version up to this one.
   */
  check?(db: DatabaseSync): string | null;
}

/** The file does not contain what was written to it. The message is for the operator. */
export class DamagedDatabaseError extends Error {
  override name = "DamagedDatabaseError";
}

/**
 * SQLite's messages for a file that contradicts itself, and for one that is not a database. Not every error of
 * node:sqlite has a code.
 */
const DAMAGE = /malformed|file is not a database/;

/**
 * What SQLite keeps in this process, of all databases together. Deno builds it so that their page caches share one
 * bound, which counts pages whatever their size: without this the large pages of the event log take the place of small
 * ones of other databases, and the cache goes on growing.
 */
const MEMORY_BYTES = 24 * 1024 * 1024;

/** Checking larger files would delay each start by minutes. */
const FULL_CHECK_BYTES = 256 * 1024 * 1024;

/** The suffix of a file beside a database in which damage was met while it was used. */
const SUSPECT = "-suspect";

/**
 * Opens or creates the database in WAL mode and migrates its schema. Throws a DamagedDatabaseError, or another error
 * that says why the file cannot be opened.
 */
export function openDatabase(path: string, format: DatabaseFormat, synchronous: Synchronous): DatabaseSync {
  const refuse = (found: string, cause?: unknown) =>
    new Error(`Cannot open the ${format.what} at ${path}: ${found}`, cause === undefined ? undefined : { cause });
  // SQLite would treat an empty file as a new database.
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
    // The page size takes effect only in a file that is still empty.
    db.exec(`PRAGMA page_size = ${format.pageSize}; PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous};
      PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY;
      PRAGMA soft_heap_limit = ${MEMORY_BYTES}`);
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
 * The last connection to close moves the write-ahead log into the file, which ruins both if they do not belong
 * together. A second, read-only connection prevents that: the first is then not the last to close, and the second may
 * not write.
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

/**
 * What is thrown when an access to an open database failed. If that was for damage, the next start checks the whole
 * file, however large it is, and the message says so.
 */
export function accessError(db: DatabaseSync, what: string, error: unknown): unknown {
  const path = db.location();
  if (path === null || !DAMAGE.test(messageOf(error))) return error;
  try {
    writeFileSync(path + SUSPECT, messageOf(error));
  } catch {
    // Without room for a mark, a large file is only checked when an operator has made some.
  }
  const advice = "Start the service again: it then checks the whole file, and goes on with what can be read";
  return new DamagedDatabaseError(`The ${what} at ${path} is damaged: ${messageOf(error)}. ${advice}`, {
    cause: error,
  });
}

function checkDamage(db: DatabaseSync, path: string, format: DatabaseFormat): void {
  const bytes = pragma(db, "page_count") * pragma(db, "page_size");
  const isLarge = bytes > (format.fullCheckBytes ?? FULL_CHECK_BYTES);
  const found = isCutOff(path, pragma(db, "page_size"))
    ? "it ends within a page"
    : isLarge && !existsSync(path + SUSPECT)
    ? null
    : quickCheck(db) ?? format.check?.(db) ?? null;
  if (found !== null) {
    throw new DamagedDatabaseError(`Cannot open the ${format.what} at ${path}: the file is damaged: ${found}`);
  }
  rmSync(path + SUSPECT, { force: true });
}

/**
 * SQLite reads the missing part of a page as zeros. A page that was cut off by a full disk is complete in the
 * write-ahead log.
 */
function isCutOff(path: string, pageSize: number): boolean {
  return (sizeOf(path) ?? 0) % pageSize !== 0 && !sizeOf(`${path}-wal`);
}

/** Undefined if there is no such file. */
function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}

/** The first inconsistency in the file; null if there is none. */
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

/** The value of a pragma that is a number. */
export function pragma(db: DatabaseSync, name: string): number {
  return Number(Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
