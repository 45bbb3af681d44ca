/**
 * Builds an intact database from what can still be read of a damaged one, and moves the damaged files to a folder where
 * nothing touches them again.
 * @module
 */

import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type DatabaseFormat, openDatabase, quickCheck } from "../open_database.ts";
import { findWalDamage, resignWal } from "./wal.ts";
import { type Row, salvageRows, tablesOf } from "./salvage_rows.ts";

export interface Rescue<Found> {
  /** The folder that now contains the damaged files. */
  aside: string;
  /** Tables of which some rows could not be read. */
  damagedTables: string[];
  /** What `mend` returned. */
  found: Found;
}

export interface RescueOptions<Found> {
  path: string;
  format: DatabaseFormat;
  now: Date;
  /** Makes the rescued rows consistent with each other. */
  mend(db: DatabaseSync): Found;
}

/** The suffixes of a database's files: the database, its write-ahead log, and the index of the log. */
const PARTS = ["", "-wal", "-shm"];
/** The offset of the number of pages in the header. SQLite reads no page beyond it. */
const PAGE_COUNT_AT = 28;

/** Completes a rescue that was killed before its last step. */
export function finishRescue(path: string): void {
  if (!existsSync(path) && existsSync(`${path}.rescued`)) renameSync(`${path}.rescued`, path);
}

/** Nobody else may have the database open. Throws if there is no space for a second copy. */
export function rescueDatabase<Found>({ path, format, now, mend }: RescueOptions<Found>): Rescue<Found> {
  const aside = join(dirname(path), `damaged-${now.toISOString().replaceAll(":", "-")}`);
  const work = join(dirname(path), ".rescue");
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work);
  try {
    const rescued = join(work, "rescued.db");
    const db = openDatabase(rescued, format, "normal");
    let result: { damagedTables: string[]; found: Found };
    try {
      const head = headOf(work, format);
      const damagedTables = copyRows(db, readings(path, work, head, format.pageSize));
      result = { damagedTables, found: mend(db) };
      db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    } finally {
      db.close();
    }
    renameSync(rescued, `${path}.rescued`);
    mkdirSync(aside);
    for (const part of PARTS) if (existsSync(path + part)) renameSync(path + part, join(aside, basename(path) + part));
    finishRescue(path);
    return { aside, ...result };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * The first page of an empty database. It contains the schema, whose tables begin at the same pages as in the damaged
 * database.
 */
function headOf(work: string, format: DatabaseFormat): Uint8Array {
  const path = join(work, "head.db");
  const db = openDatabase(path, format, "off");
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
  return readStart(path, format.pageSize);
}

/**
 * Copies of the damaged database to read from, the most trustworthy first. They differ in whether they use the
 * write-ahead log, which may be damaged or belong to another file, and in whether the first page was replaced by a
 * readable one. Intact copies come before damaged ones.
 */
function readings(path: string, work: string, head: Uint8Array, pageSize: number): DatabaseSync[] {
  const log = existsSync(`${path}-wal`) ? readFileSync(`${path}-wal`) : null;
  const isDamaged = findWalDamage(path) !== null;
  const whole = isDamaged ? resignWal(path, pageSize, Math.ceil(statSync(path).size / pageSize)) : null;
  const copies = [...whole === null ? [] : [whole], log, null].map((log, index) => {
    const copy = join(work, `copy_${index}.db`);
    copyFileSync(path, copy);
    if (log !== null) {
      writeFileSync(`${copy}-wal`, log);
      // SQLite discards the log of an empty file.
      if (statSync(copy).size === 0) truncateSync(copy, pageSize);
    }
    return openCopy(copy, head);
  }).filter((each) => each !== null);
  if (copies.length === 1) return copies;
  const sound = copies.filter(isSound);
  return [...sound, ...copies.filter((each) => !sound.includes(each))];
}

function openCopy(copy: string, head: Uint8Array): DatabaseSync | null {
  for (const attempt of [() => {}, () => writeHead(copy, head)]) {
    let db: DatabaseSync | undefined;
    try {
      attempt();
      db = new DatabaseSync(copy);
      if (Number(db.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.n) > 0) return db;
    } catch {
      // The first page is damaged; the copy in which it is replaced may still work.
    }
    db?.close();
  }
  return null;
}

function isSound(db: DatabaseSync): boolean {
  try {
    return quickCheck(db) === null;
  } catch {
    return false;
  }
}

/** The tables of which some rows could not be read; all tables if there is nothing to read from. */
function copyRows(into: DatabaseSync, from: readonly DatabaseSync[]): string[] {
  const damaged: string[] = [];
  into.exec("BEGIN IMMEDIATE");
  for (const table of tablesOf(into)) {
    const insert = inserterOf(into, table.name);
    const [first = false] = from.map((db) => salvageRows(db, table, insert));
    if (!first) damaged.push(table.name);
  }
  into.exec("COMMIT");
  for (const db of from) db.close();
  return damaged;
}

/** A row that is there already came from a better copy, so it stays. */
function inserterOf(db: DatabaseSync, table: string): (row: Row) => void {
  const columns = db.prepare("SELECT name FROM pragma_table_info(?)").all(table).map(({ name }) => String(name));
  const insert = db.prepare(
    `INSERT OR IGNORE INTO "${table}" (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
  );
  return (row) => {
    try {
      insert.run(...columns.map((column) => row[column] ?? null));
    } catch (error) {
      // The damage changed a row so that it no longer fits its columns.
      const words = error instanceof Error ? error.message : String(error);
      if (!/constraint|datatype mismatch/.test(words)) {
        throw new Error(`Cannot write what was rescued: ${words}`, { cause: error });
      }
    }
  };
}

function readStart(path: string, bytes: number): Uint8Array {
  const start = new Uint8Array(bytes);
  const file = openSync(path, "r");
  readSync(file, start, 0, bytes, 0);
  closeSync(file);
  return start;
}

/** Writes the first page of another database, with this database's number of pages. */
function writeHead(path: string, head: Uint8Array): void {
  const own = head.slice();
  new DataView(own.buffer).setUint32(PAGE_COUNT_AT, Math.floor(statSync(path).size / head.length));
  const file = openSync(path, "r+");
  writeSync(file, own, 0, own.length, 0);
  closeSync(file);
}
