/**
 * Unpacks a .zip in memory. This is our own reader because the archive may be hostile: the well-known ones neither
 * limit the inflated size of an entry nor tell which entries are links.
 * @module
 */

import { crc32, inflateRawSync } from "node:zlib";
import {
  archiveError,
  type ArchiveFiles,
  checkEntryName,
  checkLink,
  createUnpackBudget,
  type UnpackBudget,
} from "./archive_limits.ts";

const END_SIGNATURE = 0x06054b50;
const ENTRY_SIGNATURE = 0x02014b50;
const FILE_SIGNATURE = 0x04034b50;
const END_BYTES = 22;
const ENTRY_BYTES = 46;
const FILE_BYTES = 30;
const STORED = 0;
const DEFLATED = 8;
const MAX_COMMENT_BYTES = 0xffff;
/** No file system creates longer link targets. */
const MAX_LINK_BYTES = 4096;

interface Entry {
  name: string;
  isLink: boolean;
  isEncrypted: boolean;
  method: number;
  crc: number;
  packedBytes: number;
  offset: number;
}

/** Returns the files that `keep` accepts. */
export function readZip(label: string, bytes: Uint8Array, keep: (path: string) => boolean): ArchiveFiles {
  const budget = createUnpackBudget(label, bytes.length);
  try {
    const files: ArchiveFiles = new Map();
    for (const entry of entries(bytes, budget)) {
      const path = checkEntryName(label, entry.name);
      if (entry.isLink) checkLink(label, path, decode(unpack(label, bytes, entry, MAX_LINK_BYTES)));
      else if (!entry.name.endsWith("/") && keep(path)) {
        const content = unpack(label, bytes, entry, budget.left());
        budget.spend(content.length);
        files.set(path, content);
      }
    }
    return files;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw archiveError(label, "it is damaged or cut off", { cause: error });
  }
}

/** The entries of the central directory. Reads out of range throw a RangeError. */
function* entries(bytes: Uint8Array, budget: UnpackBudget): Generator<Entry> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = findEnd(view);
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  for (let i = 0; i < count; i++) {
    budget.entry();
    if (view.getUint32(at, true) !== ENTRY_SIGNATURE) throw new RangeError("No entry where the directory says");
    const nameBytes = view.getUint16(at + 28, true);
    const flags = view.getUint16(at + 8, true);
    if (at + ENTRY_BYTES + nameBytes > bytes.length) throw new RangeError("The directory is cut off");
    yield {
      // Some Windows programs write \ between folders, which the format does not allow.
      name: decode(bytes.subarray(at + ENTRY_BYTES, at + ENTRY_BYTES + nameBytes)).replaceAll("\\", "/"),
      // The upper half of the external attributes is the Unix mode.
      isLink: (view.getUint16(at + 40, true) & 0o170000) === 0o120000,
      isEncrypted: (flags & 1) !== 0,
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      packedBytes: view.getUint32(at + 20, true),
      offset: view.getUint32(at + 42, true),
    };
    at += ENTRY_BYTES + nameBytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
}

/** The end record is at the end, before a comment of unknown length. */
function findEnd(view: DataView): number {
  const first = Math.max(0, view.byteLength - END_BYTES - MAX_COMMENT_BYTES);
  for (let at = view.byteLength - END_BYTES; at >= first; at--) {
    if (view.getUint32(at, true) === END_SIGNATURE) return at;
  }
  throw new RangeError("No end record");
}

function unpack(label: string, bytes: Uint8Array, entry: Entry, maxBytes: number): Uint8Array {
  if (entry.isEncrypted) throw archiveError(label, `the entry ${JSON.stringify(entry.name)} is encrypted`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(entry.offset, true) !== FILE_SIGNATURE) throw new RangeError("No file where the directory says");
  const start = entry.offset + FILE_BYTES + view.getUint16(entry.offset + 26, true) +
    view.getUint16(entry.offset + 28, true);
  if (start + entry.packedBytes > bytes.length) throw new RangeError("A file is cut off");
  const packed = bytes.subarray(start, start + entry.packedBytes);
  const content = entry.method === STORED ? packed : inflate(label, entry, packed, maxBytes);
  if (content.length > maxBytes) throw tooLarge(label, entry);
  if (crc32(content) !== entry.crc) throw archiveError(label, `the entry ${JSON.stringify(entry.name)} is damaged`);
  return content;
}

function inflate(label: string, entry: Entry, packed: Uint8Array, maxBytes: number): Uint8Array {
  if (entry.method !== DEFLATED) {
    throw archiveError(
      label,
      `the entry ${JSON.stringify(entry.name)} is packed by method ${entry.method}, expected 0 or 8`,
    );
  }
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, maxBytes) });
  } catch (cause) {
    if ((cause as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(label, entry);
    throw archiveError(label, `the entry ${JSON.stringify(entry.name)} is damaged`, { cause });
  }
}

function tooLarge(label: string, entry: Entry): Error {
  return archiveError(
    label,
    `the entry ${JSON.stringify(entry.name)} unpacks from ${entry.packedBytes} bytes to more than is accepted`,
  );
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
