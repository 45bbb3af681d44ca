/**
 * Decompresses bodies: gzip, deflate, brotli and zstd. The output is bounded, so that a small body cannot exhaust
 * memory.
 * @module
 */

import { Buffer } from "node:buffer";
import type { Transform } from "node:stream";
import zlib from "node:zlib";
import { CaptureError, malformed, tooLarge } from "../capture_error.ts";

export type Compression = "gzip" | "deflate" | "br" | "zstd";

/**
 * Bodies smaller than this are decompressed on this thread as long as their output stays small, because a trip to
 * another thread costs more.
 */
const SYNC_BELOW_BYTES = 32 * 1024;
const SYNC_RESULT_BYTES = 256 * 1024;
const CHUNK_BYTES = 64 * 1024;

/** Whether the bytes start like a gzip file. SDKs send gzip without declaring it. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8;
}

/**
 * The decompressed bytes. Refused when they are more than `maxBytes` or cannot be decompressed.
 * @param look is called with each piece as it arrives and may throw, so that refused output never exists whole
 */
export async function decompress(
  bytes: Uint8Array,
  compression: Compression,
  maxBytes: number,
  look: (piece: Uint8Array) => void = () => {},
): Promise<Uint8Array> {
  try {
    if (bytes.byteLength < SYNC_BELOW_BYTES) {
      const small = decompressSmall(bytes, compression, Math.min(maxBytes, SYNC_RESULT_BYTES));
      if (small !== null) {
        look(small);
        return small;
      }
    }
    return await decompressInPieces(bytes, compression, maxBytes, look);
  } catch (error) {
    throw error instanceof CaptureError ? error : explain(error, maxBytes);
  }
}

/** Null when the result would be too large. */
function decompressSmall(bytes: Uint8Array, compression: Compression, maxOutputLength: number): Uint8Array | null {
  try {
    return decompressSync(bytes, compression, { maxOutputLength });
  } catch (error) {
    if (codeOf(error) === TOO_LARGE) return null;
    throw error;
  }
}

function decompressSync(bytes: Uint8Array, compression: Compression, options: { maxOutputLength: number }): Uint8Array {
  switch (compression) {
    case "gzip":
      return zlib.gunzipSync(bytes, options);
    case "deflate":
      return hasZlibHeader(bytes) ? zlib.inflateSync(bytes, options) : zlib.inflateRawSync(bytes, options);
    case "br":
      return zlib.brotliDecompressSync(bytes, options);
    case "zstd":
      return zlib.zstdDecompressSync(bytes, options);
  }
}

async function decompressInPieces(
  bytes: Uint8Array,
  compression: Compression,
  maxBytes: number,
  look: (piece: Uint8Array) => void,
): Promise<Uint8Array> {
  const stream = createStream(bytes, compression);
  const pieces: Uint8Array[] = [];
  let size = 0;
  stream.end(bytes);
  // Leaving the loop destroys the stream.
  for await (const piece of stream as AsyncIterable<Uint8Array>) {
    size += piece.byteLength;
    if (size > maxBytes) throw decompressedTooLarge(maxBytes);
    look(piece);
    pieces.push(piece);
  }
  return Buffer.concat(pieces, size);
}

function createStream(bytes: Uint8Array, compression: Compression): Transform {
  const options = { chunkSize: CHUNK_BYTES };
  switch (compression) {
    case "gzip":
      return zlib.createGunzip(options);
    case "deflate":
      return hasZlibHeader(bytes) ? zlib.createInflate(options) : zlib.createInflateRaw(options);
    case "br":
      return zlib.createBrotliDecompress(options);
    case "zstd":
      return zlib.createZstdDecompress(options);
  }
}

/** `deflate` should mean zlib's format, but some clients send it without the header. */
function hasZlibHeader(bytes: Uint8Array): boolean {
  const [first = 0, second = 0] = bytes;
  return (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0;
}

const TOO_LARGE = "ERR_BUFFER_TOO_LARGE";

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

function decompressedTooLarge(maxBytes: number): CaptureError {
  return tooLarge(
    `Request body too large: more than ${maxBytes} bytes when decompressed. Send fewer events per request.`,
  );
}

function explain(error: unknown, maxBytes: number): Error {
  const code = codeOf(error);
  if (code === TOO_LARGE) return decompressedTooLarge(maxBytes);
  const reason = code === "Z_BUF_ERROR"
    ? "Compressed file ended before the end-of-stream marker was reached"
    : error instanceof Error
    ? error.message
    : String(error);
  return malformed(`Failed to decompress data. ${reason}`);
}
