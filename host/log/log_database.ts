/**
 * The SQL of the event log: blocks of records, the parts (topic and project) they belong to, and the readers' cursors.
 * It runs in the log's thread. Record numbers are assigned by the host's side, which is the only writer.
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { Topic } from "./event_log.ts";
import { type Block, lastOf } from "./block.ts";
import { damagedRecords, sumsOf } from "./sums.ts";
import { findWalDamage } from "../sqlite/rescue/wal.ts";
import {
  accessError,
  DamagedDatabaseError,
  type DatabaseFormat,
  openDatabase,
  pragma,
  type Synchronous,
} from "../sqlite/open_database.ts";

/** The first version of the schema that has checksums. */
const FIRST_WITH_SUMS = 2;

export const LOG_FORMAT: DatabaseFormat = {
  what: "event log",
  applicationId: 0x486f674c,
  // Events are read and written in blocks of up to half a megabyte, for which few large pages are faster than many
  // small ones.
  pageSize: 16384,
  migrations: [
    `
    CREATE TABLE parts (id INTEGER PRIMARY KEY, topic TEXT NOT NULL, project INTEGER NOT NULL, last INTEGER NOT NULL,
      UNIQUE (topic, project)) STRICT;
    CREATE TABLE readers (part INTEGER NOT NULL, reader TEXT NOT NULL, offset INTEGER NOT NULL,
      PRIMARY KEY (part, reader)) STRICT, WITHOUT ROWID;
    CREATE TABLE blocks (id INTEGER PRIMARY KEY, part INTEGER NOT NULL, last INTEGER NOT NULL, first INTEGER NOT NULL,
      at INTEGER NOT NULL, data BLOB NOT NULL) STRICT;
    CREATE UNIQUE INDEX blocks_of_part ON blocks (part, last, first, at);
  `,
    "ALTER TABLE blocks ADD COLUMN sums BLOB",
  ],
  check: checkSums,
};

/** One project's part of a topic. */
export interface PartRow {
  id: number;
  topic: Topic;
  project: number;
  /** The number of the last record ever written to it; 0 when there is none. */
  last: number;
}

export interface ReaderRow {
  part: number;
  reader: string;
  /** The number of the last record it has read; null removes the reader. */
  offset: number | null;
}

export interface OpenedLog {
  /** With the number of the first kept record; `last + 1` when there is none. */
  parts: (PartRow & { first: number })[];
  readers: (ReaderRow & { offset: number })[];
  /** The time of the newest block; times never go back. */
  at: number;
  usedBytes: number;
}

/** Everything that becomes durable together. */
export interface Commit {
  parts: PartRow[];
  blocks: { part: number; block: Block }[];
  readers: ReaderRow[];
}

/** What retention may delete: the records of each part up to `floor`. */
export interface Trim {
  /** Blocks of these records that were taken before the time `before` are deleted. */
  floors: { part: number; floor: number; before: number }[];
  /** Further ones are deleted, oldest first, until the file uses no more than this. */
  maxBytes: number;
  /** The most blocks in this transaction. */
  limit: number;
}

export interface Trimmed {
  /** Parts that lost blocks, with the number of the first kept record. */
  firsts: { part: number; first: number }[];
  usedBytes: number;
  /** Whether the limit ended it. */
  more: boolean;
}

/** The functions of the log's thread. */
export interface LogDatabase {
  open(path: string, synchronous: Synchronous): OpenedLog;
  commit(commit: Commit): { usedBytes: number };
  /** Blocks that hold records after `after`, up to about `maxBytes`, and at least one if there is any. */
  read(part: number, after: number, maxBytes: number): Block[];
  /** Blocks that hold records up to `last`, newest first. */
  readBack(part: number, last: number, maxBytes: number): Block[];
  /** The number of the first record taken at or after the time; null when there is none. */
  firstSince(part: number, time: number): number | null;
  /** When the record's block was taken. */
  timeOf(part: number, record: number): number | null;
  trim(trim: Trim): Trimmed;
  close(): void;
}

/** The log's functions on the database that `open` opens. */
export function createLogDatabase(format: DatabaseFormat = LOG_FORMAT): LogDatabase {
  let db: DatabaseSync | null = null;
  let sql: Statements | null = null;

  function access<Result>(work: (sql: Statements, db: DatabaseSync) => Result): Result {
    if (!db || !sql) throw new Error("Cannot use the event log: it is not open");
    try {
      return work(sql, db);
    } catch (error) {
      throw accessError(db, format.what, error);
    }
  }

  return {
    open(path, synchronous) {
      checkJournal(path);
      db = openDatabase(path, format, synchronous);
      sql = prepare(db);
      return readState(db, sql, path);
    },
    commit: ({ parts, blocks, readers }) =>
      access((sql, db) =>
        inTransaction(db, sql, () => {
          for (const { id, topic, project, last } of parts) sql.putPart.run(id, topic, project, last);
          for (const { part, block } of blocks) {
            sql.putBlock.run(part, lastOf(block), block.first, block.at, block.data, sumsOf(block, part));
          }
          for (const { part, reader, offset } of readers) {
            if (offset === null) sql.dropReader.run(part, reader);
            else sql.putReader.run(part, reader, offset);
          }
        })
      ),
    read: (part, after, maxBytes) =>
      access(({ read }) => gatherBlocks(part, maxBytes, (previous) => read.get(part, previous?.last ?? after))),
    readBack: (part, last, maxBytes) =>
      access(({ readBack, readBefore }) =>
        gatherBlocks(
          part,
          maxBytes,
          (previous) => previous === null ? readBack.get(part, last) : readBefore.get(part, previous.first),
        )
      ),
    firstSince: (part, time) =>
      access(({ firstSince }) => {
        const row = firstSince.get(part, time);
        return row ? Number(row.first) : null;
      }),
    timeOf: (part, record) =>
      access(({ timeOf }) => {
        const row = timeOf.get(part, record - 1);
        return row ? Number(row.at) : null;
      }),
    trim: (request) => access((sql, db) => trim(db, sql, request)),
    close() {
      db?.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      db?.close();
      db = sql = null;
    },
  };
}

function prepare(db: DatabaseSync) {
  const pageSize = pragma(db, "page_size");
  const pages = db.prepare("SELECT page_count - freelist_count AS n FROM pragma_page_count, pragma_freelist_count");
  return {
    /** The bytes of the file in use. Pages of deleted blocks are reused before the file grows. */
    usedBytes: () => Number(pages.get()?.n) * pageSize,
    begin: db.prepare("BEGIN IMMEDIATE"),
    commit: db.prepare("COMMIT"),
    putPart: db.prepare("INSERT INTO parts VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET last = excluded.last"),
    putBlock: db.prepare("INSERT INTO blocks (part, last, first, at, data, sums) VALUES (?, ?, ?, ?, ?, ?)"),
    putReader: db.prepare(
      "INSERT INTO readers VALUES (?, ?, ?) ON CONFLICT (part, reader) DO UPDATE SET offset = excluded.offset",
    ),
    dropReader: db.prepare("DELETE FROM readers WHERE part = ? AND reader = ?"),
    read: db.prepare(
      "SELECT first, last, at, data, sums FROM blocks WHERE part = ? AND last > ? ORDER BY last LIMIT 1",
    ),
    // The index first tells where the block ends that holds the record.
    readBack: db.prepare(`SELECT first, last, at, data, sums FROM blocks WHERE part = ?1 AND last <= coalesce(
      (SELECT last FROM blocks WHERE part = ?1 AND last >= ?2 ORDER BY last LIMIT 1), ?2) ORDER BY last DESC LIMIT 1`),
    readBefore: db.prepare(
      "SELECT first, last, at, data, sums FROM blocks WHERE part = ? AND last < ? ORDER BY last DESC LIMIT 1",
    ),
    firstSince: db.prepare("SELECT first FROM blocks WHERE part = ? AND at >= ? ORDER BY last LIMIT 1"),
    timeOf: db.prepare("SELECT at FROM blocks WHERE part = ? AND last > ? ORDER BY last LIMIT 1"),
    firstOf: db.prepare("SELECT first FROM blocks WHERE part = ? ORDER BY last LIMIT 1"),
    lastOf: db.prepare("SELECT last FROM parts WHERE id = ?"),
    deletable: db.prepare("SELECT id, at FROM blocks WHERE part = ? AND last <= ? ORDER BY last LIMIT ?"),
    deleteBlock: db.prepare("DELETE FROM blocks WHERE id = ?"),
  };
}

/**
 * Up to about `maxBytes`, and at least one if there is any. Each row is a query of its own, since iterators of
 * node:sqlite keep memory that V8 does not know of, and collects late: 140 MB after 200,000 of them.
 */
function gatherBlocks(part: number, maxBytes: number, next: (previous: BlockRow | null) => unknown): Block[] {
  const blocks: Block[] = [];
  let row: BlockRow | null = null;
  for (let bytes = 0; bytes < maxBytes; bytes += row.data.length) {
    row = (next(row) ?? null) as BlockRow | null;
    if (row === null) break;
    const { first, last, at, data, sums } = row;
    const block = { first, count: last - first + 1, at, data };
    const damaged = damagedRecords(block, part, sums);
    blocks.push(damaged.length === 0 ? block : { ...block, damaged });
  }
  return blocks;
}

interface BlockRow {
  first: number;
  last: number;
  at: number;
  data: Uint8Array;
  /** Null in blocks of a version that wrote no checksums. */
  sums: Uint8Array | null;
}

function checkSums(db: DatabaseSync): string | null {
  if (pragma(db, "user_version") < FIRST_WITH_SUMS) return null;
  let count = 0;
  for (const row of db.prepare("SELECT part, first, last, at, data, sums FROM blocks").iterate()) {
    const { part, first, last, at, data, sums } = row as unknown as BlockRow & { part: number };
    count += damagedRecords({ first, count: last - first + 1, at, data }, part, sums).length;
  }
  return count === 0
    ? null
    : count === 1
    ? "one record is not what was written"
    : `${count} records are not what was written`;
}

/** Runs before SQLite opens the file, because SQLite takes damage for the end of the journal. */
function checkJournal(path: string): void {
  const damage = findWalDamage(path);
  if (damage !== null) throw new DamagedDatabaseError(`Cannot open the event log at ${path}: ${damage}`);
}

type Statements = ReturnType<typeof prepare>;

function readState(db: DatabaseSync, sql: Statements, path: string): OpenedLog {
  const parts = db.prepare(`SELECT id, topic, project, last,
    coalesce((SELECT first FROM blocks WHERE part = parts.id ORDER BY blocks.last LIMIT 1), last + 1) AS first,
    coalesce((SELECT max(last) FROM blocks WHERE part = parts.id), last) AS stored FROM parts`)
    .all() as unknown as (PartRow & { first: number; stored: number })[];
  const torn = parts.find((part) => part.stored !== part.last);
  if (torn) {
    throw new DamagedDatabaseError(
      `Cannot open the event log at ${path}: project ${torn.project}'s ${torn.topic} should end at record ${torn.last}, ` +
        `it ends at ${torn.stored}`,
    );
  }
  const readers = db.prepare("SELECT part, reader, offset FROM readers").all() as unknown as OpenedLog["readers"];
  const at = Number(db.prepare("SELECT at FROM blocks ORDER BY id DESC LIMIT 1").get()?.at ?? 0);
  return {
    parts: parts.map(({ id, topic, project, last, first }) => ({ id, topic, project, last, first })),
    readers: readers.map(({ part, reader, offset }) => ({ part, reader, offset })),
    at,
    usedBytes: sql.usedBytes(),
  };
}

function trim(db: DatabaseSync, sql: Statements, { floors, maxBytes, limit }: Trim): Trimmed {
  const oldest = floors.flatMap(({ part, floor, before }) =>
    sql.deletable.all(part, floor, limit).map(({ id, at }) => ({ id: Number(id), part, old: Number(at) < before }))
  )
    // Ids are assigned in the order of time.
    .sort((a, b) => a.id - b.id);
  const touched = new Set<number>();
  let deleted = 0;
  const { usedBytes } = inTransaction(db, sql, () => {
    for (const { id, part, old } of oldest) {
      if (deleted === limit) return;
      if (!old && sql.usedBytes() <= maxBytes) continue;
      sql.deleteBlock.run(id);
      touched.add(part);
      deleted++;
    }
  });
  const firsts = [...touched].map((part) => ({
    part,
    first: Number(sql.firstOf.get(part)?.first ?? Number(sql.lastOf.get(part)?.last) + 1),
  }));
  return { firsts, usedBytes, more: deleted === limit };
}

function inTransaction(db: DatabaseSync, sql: Statements, work: () => void): { usedBytes: number } {
  sql.begin.run();
  try {
    work();
    sql.commit.run();
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
  return { usedBytes: sql.usedBytes() };
}
