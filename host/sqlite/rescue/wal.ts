/**
 * Reads SQLite's write-ahead log. SQLite takes a frame with a wrong checksum for the end of the log, and silently drops
 * whatever was committed after it. This module tells a damaged frame from the real end, and makes a damaged log
 * readable again except for the damaged frames.
 *
 * The layout is that of SQLite's file format 3.7.0 and later: a header of 32 bytes, then frames that consist of a
 * header of 24 bytes and a page.
 * @module
 */

import { readFileSync } from "node:fs";

const HEADER_BYTES = 32;
const FRAME_BYTES = 24;
/** The last bit says whether checksums are computed over big-endian words. */
const MAGIC = 0x377f0682;
const VERSION = 3_007_000;

type Sum = [number, number];
type Salts = [number, number];

/**
 * A description of the damage; null if the log is intact or absent. A power failure may also leave an incomplete last
 * frame, which is not damage.
 */
export function findWalDamage(path: string): string | null {
  const wal = read(`${path}-wal`);
  if (wal === null || wal.length <= HEADER_BYTES) return null;
  const view = viewOf(wal);
  const pageSize = view.getUint32(8);
  if (!isHeaderWhole(view)) return "the header of its write-ahead log is damaged";
  const isBig = (view.getUint32(0) & 1) === 1;
  const frames = countFrames(wal, pageSize);
  let sum: Sum = [view.getUint32(24), view.getUint32(28)];
  for (let frame = 0; frame < frames; frame++) {
    const at = HEADER_BYTES + frame * (FRAME_BYTES + pageSize);
    sum = sumFrame(view, at, pageSize, isBig, sum);
    const isOwn = hasSalts(view, at, saltsOf(view, 16));
    if (isOwn && view.getUint32(at + 16) === sum[0] && view.getUint32(at + 20) === sum[1]) continue;
    // Behind the end are frames of an earlier round, which have other salts, and those of a transaction that was never
    // committed.
    const more = Array.from({ length: frames - frame }, (_, index) => at + index * (FRAME_BYTES + pageSize))
      .some((each) => isCommit(view, each, saltsOf(view, 16)));
    if (!more) return null;
    return `its write-ahead log is damaged: frame ${frame + 1} of ${frames} does not have its checksum`;
  }
  return null;
}

/**
 * The same log with checksums recomputed from its bytes, so that SQLite reads all of it, damaged frames included. Null
 * if there is nothing to read. `pages` is the most pages that the database may have.
 */
export function resignWal(path: string, pageSize: number, pages: number): Uint8Array | null {
  const wal = read(`${path}-wal`);
  if (wal === null) return null;
  const view = viewOf(wal);
  const step = FRAME_BYTES + pageSize;
  const starts = Array.from({ length: countFrames(wal, pageSize) }, (_, index) => HEADER_BYTES + index * step);
  const salts = ownSalts(view, starts);
  if (salts === null) return null;
  const last = starts.findLastIndex((at) => isCommit(view, at, salts));
  const kept = starts.slice(0, last + 1).filter((at) => {
    const page = view.getUint32(at);
    return page > 0 && page <= pages + starts.length;
  });
  const signed = new Uint8Array(HEADER_BYTES + kept.length * step);
  const out = viewOf(signed);
  for (const [index, value] of [MAGIC, VERSION, pageSize, 0, ...salts].entries()) out.setUint32(index * 4, value);
  let sum = sumWords(out, 0, 24, false, [0, 0]);
  setPair(out, 24, sum);
  for (const [index, from] of kept.entries()) {
    const at = HEADER_BYTES + index * step;
    signed.set(wal.subarray(from, from + step), at);
    setPair(out, at + 8, salts);
    sum = sumFrame(out, at, pageSize, false, sum);
    setPair(out, at + 16, sum);
  }
  return signed;
}

/** The salts of the header or, if it is damaged, those that most of the first frames have. */
function ownSalts(view: DataView, starts: readonly number[]): Salts | null {
  if (view.byteLength >= HEADER_BYTES && isHeaderWhole(view)) return saltsOf(view, 16);
  const first = starts.slice(0, 5).map((at) => saltsOf(view, at + 8));
  const votes = (salts: Salts) => first.filter((each) => each.join() === salts.join()).length;
  return first.toSorted((one, other) => votes(other) - votes(one))[0] ?? null;
}

function isHeaderWhole(view: DataView): boolean {
  const magic = view.getUint32(0);
  if ((magic & ~1) !== MAGIC) return false;
  const sum = sumWords(view, 0, 24, (magic & 1) === 1, [0, 0]);
  return view.getUint32(24) === sum[0] && view.getUint32(28) === sum[1];
}

function sumFrame(view: DataView, at: number, pageSize: number, isBig: boolean, before: Sum): Sum {
  return sumWords(view, at + FRAME_BYTES, pageSize, isBig, sumWords(view, at, 8, isBig, before));
}

function sumWords(view: DataView, from: number, bytes: number, isBig: boolean, [one, other]: Sum): Sum {
  for (let at = from; at < from + bytes; at += 8) {
    one = (one + view.getUint32(at, !isBig) + other) >>> 0;
    other = (other + view.getUint32(at + 4, !isBig) + one) >>> 0;
  }
  return [one, other];
}

function countFrames(wal: Uint8Array, pageSize: number): number {
  return Math.max(0, Math.floor((wal.length - HEADER_BYTES) / (FRAME_BYTES + pageSize)));
}

function saltsOf(view: DataView, at: number): Salts {
  return [view.getUint32(at), view.getUint32(at + 4)];
}

function hasSalts(view: DataView, frame: number, [one, other]: Salts): boolean {
  return view.getUint32(frame + 8) === one && view.getUint32(frame + 12) === other;
}

/** The last frame of a transaction contains the number of pages that the database then has. */
function isCommit(view: DataView, frame: number, salts: Salts): boolean {
  return view.getUint32(frame + 4) > 0 && hasSalts(view, frame, salts);
}

function setPair(view: DataView, at: number, [one, other]: readonly [number, number]): void {
  view.setUint32(at, one);
  view.setUint32(at + 4, other);
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

function read(path: string): Uint8Array | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}
