/**
 * The format of records on disk. Records of one project that were committed together are packed into one block, so that
 * a commit writes few rows and a read returns few buffers, however many events they hold.
 *
 *     count × (u32 depth << 28 | key bytes, u32 event bytes) | key, event, key, event, …      (little endian)
 *
 * @module
 */

import type { LogRecord, ReadLimits, StoredRecord } from "./event_log.ts";

/** Records `first` … `first + count - 1` of a part; records are numbered from 1. */
export interface Block {
  first: number;
  count: number;
  /** Milliseconds since the epoch. */
  at: number;
  data: Uint8Array;
  /** Numbers of damaged records, which are left out. */
  damaged?: readonly number[];
}

/**
 * A block is closed when its events exceed this size in bytes, so that a reader in the middle of one does not load too
 * much.
 */
const BLOCK_BYTES = 512 * 1024;
export const ENTRY_BYTES = 8;
const DEPTH_SHIFT = 28;
const LARGEST_DEPTH = 15;
export const KEY_BYTES_MASK = 2 ** DEPTH_SHIFT - 1;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Packs the records that follow record `end` into blocks. */
export function packBlocks(records: LogRecord[], end: number, at: number): Block[] {
  const blocks: Block[] = [];
  for (let from = 0; from < records.length;) {
    let to = from;
    for (let bytes = 0; to < records.length && bytes < BLOCK_BYTES; to++) bytes += records[to]!.event.length;
    blocks.push(packBlock(from === 0 && to === records.length ? records : records.slice(from, to), end + 1 + from, at));
    from = to;
  }
  return blocks;
}

function packBlock(records: LogRecord[], first: number, at: number): Block {
  const keys = records.map((record) => encoder.encode(record.key));
  let size = records.length * ENTRY_BYTES;
  for (let i = 0; i < records.length; i++) size += keys[i]!.length + records[i]!.event.length;
  const data = new Uint8Array(size);
  const view = new DataView(data.buffer);
  let offset = records.length * ENTRY_BYTES;
  for (let i = 0; i < records.length; i++) {
    const key = keys[i]!;
    const { event, depth = 0 } = records[i]!;
    view.setUint32(i * ENTRY_BYTES, Math.min(depth, LARGEST_DEPTH) << DEPTH_SHIFT | key.length, true);
    view.setUint32(i * ENTRY_BYTES + 4, event.length, true);
    data.set(key, offset);
    data.set(event, offset + key.length);
    offset += key.length + event.length;
  }
  return { first, count: records.length, at, data };
}

/** The number of a block's last record. */
export function lastOf(block: Block): number {
  return block.first + block.count - 1;
}

/**
 * Appends the block's records after `after` to `into` within the limits; false when these are used up. The events are
 * views of the block, not copies.
 */
export function unpackBlock(block: Block, after: number, limits: ReadLimits, into: StoredRecord[]): boolean {
  const { data, first, count, at } = block;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const damaged = new Set(block.damaged);
  let offset = count * ENTRY_BYTES;
  if (offset > data.length) return passOver(block, damaged, first);
  let room = limits.maxBytes;
  for (const record of into) room -= record.event.length;
  for (let i = 0; i < count; i++) {
    const head = view.getUint32(i * ENTRY_BYTES, true);
    const keyBytes = head & KEY_BYTES_MASK;
    const depth = head >>> DEPTH_SHIFT;
    const eventBytes = view.getUint32(i * ENTRY_BYTES + 4, true);
    const eventAt = offset + keyBytes;
    offset = eventAt + eventBytes;
    if (offset > data.length) return passOver(block, damaged, first + i);
    if (first + i <= after || damaged.has(first + i)) continue;
    if (into.length >= limits.maxEvents || (into.length > 0 && eventBytes > room)) return false;
    room -= eventBytes;
    into.push({
      cursor: String(first + i),
      at,
      key: decoder.decode(data.subarray(eventAt - keyBytes, eventAt)),
      event: data.subarray(eventAt, offset),
      ...(depth > 0 && { depth }),
    });
  }
  return true;
}

/** Leaves out the records from this one on when they are known to be damaged; throws otherwise. */
function passOver(block: Block, damaged: ReadonlySet<number>, from: number): true {
  if (damaged.has(from)) return true;
  throw new Error(
    `Cannot read the event log: the block of records from ${block.first} is shorter than its lengths say`,
  );
}
