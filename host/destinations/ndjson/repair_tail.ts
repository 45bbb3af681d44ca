/**
 * Repairs the end of a file of JSON lines after a crash.
 * @module
 */

import { writeAll } from "./write_all.ts";

const CHUNK_BYTES = 65_536;
const NEWLINE = 10;

/**
 * Makes the file end with a newline and resolves with its size in bytes. A last line that lacks only its newline is
 * completed. Any other is cut off: its delivery was not confirmed, so the event will be delivered again.
 */
export async function repairTail(file: Deno.FsFile): Promise<number> {
  const { size } = await file.stat();
  const start = await lastLineStart(file, size);
  if (start === size) return size;
  if (!isJson(await readRange(file, start, size))) {
    await file.truncate(start);
    return start;
  }
  await writeAll(file, Uint8Array.of(NEWLINE));
  return size + 1;
}

/** The start of the text after the last newline; `size` when the file ends with a newline. */
async function lastLineStart(file: Deno.FsFile, size: number): Promise<number> {
  // One byte is enough for an intact file.
  let length = 1;
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - length);
    const newline = (await readRange(file, start, end)).lastIndexOf(NEWLINE);
    if (newline >= 0) return start + newline + 1;
    end = start;
    length = CHUNK_BYTES;
  }
  return 0;
}

async function readRange(file: Deno.FsFile, start: number, end: number): Promise<Uint8Array> {
  await file.seek(start, Deno.SeekMode.Start);
  const bytes = new Uint8Array(end - start);
  for (let offset = 0; offset < bytes.length;) {
    const count = await file.read(bytes.subarray(offset));
    if (count === null) return bytes.subarray(0, offset);
    offset += count;
  }
  return bytes;
}

function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return true;
  } catch {
    return false;
  }
}
