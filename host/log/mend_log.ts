/**
 * Rebuilds an event log from the rows rescued from a damaged one: blocks that can be unpacked, and parts and cursors
 * that agree with them.
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { type Block, packBlocks, unpackBlock } from "./block.ts";
import { damagedRecords, sumsOf } from "./sums.ts";
import type { StoredRecord } from "./event_log.ts";

export interface MendedLog {
  /** Events that were kept. */
  kept: number;
  /**
   * Events that must have existed, judging by the numbers. There may be more before the first kept one, unless
   * retention had deleted them.
   */
  lost: number;
  /** Events whose project is unknown; they are in the file that was set aside. */
  strays: number;
}

const decoder = new TextDecoder("utf-8", { fatal: true });

/** The blocks of a part are numbered without gaps, so that missing ones show. */
export function mendLog(db: DatabaseSync): MendedLog {
  const mended: MendedLog = { kept: 0, lost: 0, strays: 0 };
  db.exec("BEGIN IMMEDIATE");
  dropBrokenBlocks(db);
  const parts = db.prepare("SELECT id, last FROM parts").all();
  for (const { id, last } of parts) mendPart(db, Number(id), Number(last), mended);
  mended.strays = Number(
    db.prepare("SELECT coalesce(sum(last - first + 1), 0) AS n FROM blocks WHERE part NOT IN (SELECT id FROM parts)")
      .get()?.n,
  );
  db.exec("DELETE FROM blocks WHERE part NOT IN (SELECT id FROM parts)");
  db.exec("DELETE FROM readers WHERE part NOT IN (SELECT id FROM parts)");
  db.exec("COMMIT");
  return mended;
}

/** Drops blocks that cannot be unpacked or overlap an earlier one, and damaged records of other blocks. */
function dropBrokenBlocks(db: DatabaseSync): void {
  const drop = db.prepare("DELETE FROM blocks WHERE id = ?");
  const put = db.prepare("INSERT INTO blocks (part, last, first, at, data, sums) VALUES (?, ?, ?, ?, ?, ?)");
  const blocks = db.prepare("SELECT id, part, first, last, at, data, sums FROM blocks ORDER BY part, first, last DESC");
  const broken: number[] = [];
  const parts: { part: number; block: Block }[] = [];
  let end = { part: 0, last: 0 };
  for (const row of blocks.iterate()) {
    const [id, part, first, last, at] = [row.id, row.part, row.first, row.last, row.at].map(Number) as [
      number,
      number,
      number,
      number,
      number,
    ];
    const isOverlapping = part === end.part && first <= end.last;
    const kept = isOverlapping || !(row.data instanceof Uint8Array)
      ? []
      : wholeOf({ first, count: last - first + 1, at, data: row.data }, part, row.sums);
    if (kept === null) {
      end = { part, last };
      continue;
    }
    broken.push(id);
    for (const block of kept) parts.push({ part, block });
    if (kept.length > 0) end = { part, last };
  }
  for (const id of broken) drop.run(id);
  for (const { part, block } of parts) {
    put.run(part, block.first + block.count - 1, block.first, block.at, block.data, sumsOf(block, part));
  }
}

/** Null when the whole block is intact; otherwise blocks of its intact records. */
function wholeOf(block: Block, part: number, sums: unknown): Block[] | null {
  if (!(sums instanceof Uint8Array)) return isWhole(block) ? null : [];
  const damaged = damagedRecords(block, part, sums);
  if (damaged.length === 0) return null;
  const records: StoredRecord[] = [];
  unpackBlock({ ...block, damaged }, 0, EVERYTHING, records);
  // One block for each record, because its neighbours may be missing.
  return records.flatMap((record) => packBlocks([record], Number(record.cursor) - 1, block.at));
}

const EVERYTHING = { maxEvents: Infinity, maxBytes: Infinity };

/** For a block without checksums: a lost page consists of zeros, which JSON never contains. */
function isWhole(block: Block): boolean {
  try {
    const records: StoredRecord[] = [];
    unpackBlock(block, 0, EVERYTHING, records);
    for (const { event } of records) JSON.parse(decoder.decode(event));
    return true;
  } catch {
    return false;
  }
}

function mendPart(db: DatabaseSync, id: number, last: number, mended: MendedLog): void {
  const blocks = db.prepare(
    "SELECT min(first) AS first, max(last) AS last, coalesce(sum(last - first + 1), 0) AS n FROM blocks WHERE part = ?",
  ).get(id);
  const kept = Number(blocks?.n);
  const slowest = db.prepare("SELECT min(offset) AS n FROM readers WHERE part = ?").get(id)?.n;
  // Nothing is deleted that a reader has yet to read.
  const before = Math.min(
    kept === 0 ? last : Number(blocks?.first) - 1,
    slowest === null || slowest === undefined ? Infinity : Number(slowest),
  );
  const end = kept === 0 ? last : Number(blocks?.last);
  mended.kept += kept;
  mended.lost += Math.max(last, end) - before - kept;
  db.prepare("UPDATE parts SET last = ? WHERE id = ?").run(end, id);
  // Numbers beyond the end will be assigned again.
  db.prepare("UPDATE readers SET offset = ? WHERE part = ? AND offset > ?").run(end, id, end);
}
