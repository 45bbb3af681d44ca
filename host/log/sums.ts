/**
 * Checksums of records. SQLite does not checksum its pages, so that a flipped bit in an event would go unnoticed. There
 * is one for each record rather than for each block, so that records next to the damage are not lost with it.
 * @module
 */

import { crc32 } from "node:zlib";
import { type Block, ENTRY_BYTES, KEY_BYTES_MASK } from "./block.ts";

const SUM_BYTES = 4;

/** CRC-32 of each record of a block in this part, one after the other in little endian. */
export function sumsOf(block: Block, part: number): Uint8Array {
  const sums = new Uint8Array(block.count * SUM_BYTES);
  const view = new DataView(sums.buffer);
  for (const [index, sum] of compute(block, part).entries()) view.setUint32(index * SUM_BYTES, sum ?? 0, true);
  return sums;
}

/** The numbers of damaged records; none for a block of a version that wrote no checksums. */
export function damagedRecords(block: Block, part: number, sums: Uint8Array | null): number[] {
  if (sums === null) return [];
  const view = new DataView(sums.buffer, sums.byteOffset, sums.byteLength);
  return compute(block, part).flatMap((sum, index) => {
    const at = index * SUM_BYTES;
    const isSame = sum !== null && at + SUM_BYTES <= sums.length && view.getUint32(at, true) === sum;
    return isSame ? [] : [block.first + index];
  });
}

/** Null for records that do not lie within the block. */
function compute({ first, count, at, data }: Block, part: number): (number | null)[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const sums = new Array<number | null>(count).fill(null);
  let offset = count * ENTRY_BYTES;
  if (offset > data.length) return sums;
  for (let index = 0; index < count; index++) {
    const head = view.getUint32(index * ENTRY_BYTES, true);
    const eventBytes = view.getUint32(index * ENTRY_BYTES + 4, true);
    const end = offset + (head & KEY_BYTES_MASK) + eventBytes;
    if (end > data.length) break;
    sums[index] = crc32(data.subarray(offset, end), mix([part, first + index, at, head, eventBytes]));
    offset = end;
  }
  return sums;
}

/** The initial value of a checksum, which covers the position of the record. */
function mix(numbers: readonly number[]): number {
  let mixed = 0;
  for (const each of numbers) mixed = Math.imul(mixed ^ (each % 2 ** 32), 0x9e3779b1) ^ (mixed >>> 15);
  return mixed >>> 0;
}
