/**
 * Reads the body of an answer, framed as its head says.
 * @module
 */

import type { Connection } from "./connection.ts";
import { type Framing, ProtocolError } from "./read_head.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * Yields the body in pieces, each a copy. Throws a ProtocolError if the body ends too early or is framed incorrectly.
 */
export async function* readBody(connection: Connection, framing: Framing): AsyncGenerator<Bytes, void> {
  if (framing.kind === "length") yield* take(connection, framing.bytes);
  else if (framing.kind === "chunked") yield* readChunks(connection);
  else if (framing.kind === "closed") {
    for (let bytes = await connection.read(); bytes !== null; bytes = await connection.read()) yield bytes.slice();
  }
}

/** Reads a body of a known length as one piece. */
export async function readWhole(connection: Connection, bytes: number): Promise<Bytes> {
  const whole = new Uint8Array(bytes);
  for (let filled = 0; filled < bytes;) {
    const read = await readMore(connection);
    const piece = read.subarray(0, bytes - filled);
    if (read.byteLength > piece.byteLength) connection.unread(read.subarray(piece.byteLength));
    whole.set(piece, filled);
    filled += piece.byteLength;
  }
  return whole;
}

async function* take(connection: Connection, bytes: number): AsyncGenerator<Bytes, void> {
  for (let left = bytes; left > 0;) {
    const read = await readMore(connection);
    const piece = read.slice(0, left);
    if (read.byteLength > left) connection.unread(read.subarray(left));
    left -= piece.byteLength;
    yield piece;
  }
}

/** The most bytes in the line that gives a chunk's size, with its extensions, and in all trailers together. */
const MOST_LINE_BYTES = 4096;

async function* readChunks(connection: Connection): AsyncGenerator<Bytes, void> {
  while (true) {
    const line = await readLine(connection);
    const size = /^([0-9a-f]{1,8})[ \t]*(?:;.*)?$/i.exec(line)?.[1];
    if (size === undefined) throw new ProtocolError("a chunk of its answer has no size");
    const bytes = parseInt(size, 16);
    if (bytes === 0) break;
    yield* take(connection, bytes);
    if (await readLine(connection) !== "") throw new ProtocolError("a chunk of its answer is larger than it says");
  }
  // Trailers are hop-by-hop and are not forwarded.
  for (let bytes = 0, line = await readLine(connection); line !== ""; line = await readLine(connection)) {
    bytes += line.length;
    if (bytes > MOST_LINE_BYTES) throw new ProtocolError("the trailers of its answer are too large");
  }
}

async function readLine(connection: Connection): Promise<string> {
  let line = "";
  while (true) {
    const bytes = await readMore(connection);
    const end = bytes.indexOf(0x0a);
    line += new TextDecoder("latin1").decode(end === -1 ? bytes : bytes.subarray(0, end + 1));
    if (line.length > MOST_LINE_BYTES) throw new ProtocolError("a line between the chunks of its answer is too long");
    if (end === -1) continue;
    connection.unread(bytes.subarray(end + 1));
    if (!line.endsWith("\r\n")) throw new ProtocolError("a line between the chunks of its answer has no end");
    return line.slice(0, -2);
  }
}

async function readMore(connection: Connection): Promise<Bytes> {
  const bytes = await connection.read();
  if (bytes === null) throw new ProtocolError("its answer ended too early");
  return bytes;
}
