/**
 * Makes a sound database of what can be read of a damaged one, and sets the damaged files aside, where nothing touches them again.
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
  /** The folder that has the damaged files now. */
  aside: string;
  /** Tables of which something could not be read. */
  damagedTables: string[];
  /** What `mend` said. */
  found: Found;
}

export interface RescueOptions<Found> {
  path: string;
  format: DatabaseFormat;
  now: Date;
  /** Makes the rows that were kept agree with each other. */
  mend(db: DatabaseSync): Found;
}

/** The files of a database: itself, its write-ahead log, and the index of that. */
const PARTS = ["", "-wal", "-shm"];
/** Where the header has the number of pages. SQLite reads none beyond it. */
const PAGE_COUNT_AT = 28;

/** A rescue that was killed when it was done but for the last step is finished. */
export function finishRescue(path: string): void {
  if (!existsSync(path) && existsSync(`${path}.rescued`)) renameSync(`${path}.rescued`, path);
}

/** Nobody else may have the database open. Throws when there is no room for a second copy. */
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

/** The first page of an empty database: it has the schema, whose tables begin at the same pages as those of the damaged one. */
function headOf(work: string, format: DatabaseFormat): Uint8Array {
  const path = join(work, "head.db");
  const db = openDatabase(path, format, "off");
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
  return readStart(path, format.pageSize);
}

/**
 * Copies of the damaged database to read from, the most trustworthy first: with and without its write-ahead log, which may be another file's, or
 * damaged and then read to its end, and with a first page that can be read. What is sound comes before what is not.
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
      // SQLite throws the log of an empty file away.
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
      // With a page that can be read, perhaps.
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

/** The tables of which something could not be read; all of them when there is nothing to read from. */
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

/** A row that is there already stays: it is from a better reading. */
function inserterOf(db: DatabaseSync, table: string): (row: Row) => void {
  const columns = db.prepare("SELECT name FROM pragma_table_info(?)").all(table).map(({ name }) => String(name));
  const insert = db.prepare(
    `INSERT OR IGNORE INTO "${table}" (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
  );
  return (row) => {
    try {
      insert.run(...columns.map((column) => row[column] ?? null));
    } catch (error) {
      // What the damage made of a row does not fit its columns.
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

/** The first page of another database, with the number of pages that this one has. */
function writeHead(path: string, head: Uint8Array): void {
  const own = head.slice();
  new DataView(own.buffer).setUint32(PAGE_COUNT_AT, Math.floor(statSync(path).size / head.length));
  const file = openSync(path, "r+");
  writeSync(file, own, 0, own.length, 0);
  closeSync(file);
}
