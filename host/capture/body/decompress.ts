/**
 * Undoing what SDKs do to make bodies small: gzip, deflate, brotli, zstd. Never past a bound, so that a small body cannot
 * become a large one in memory.
 * @module
 */

import zlib from "node:zlib";
import { malformed, tooLarge } from "../capture_error.ts";

export type Compression = "gzip" | "deflate" | "br" | "zstd";

/** Below this size the work is done at once: a trip to another thread costs more. */
const SYNC_BELOW_BYTES = 32 * 1024;

/** True when the bytes begin as a gzip file does. SDKs send gzip without saying so. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8;
}

/** The decompressed bytes; refused when they are more than `maxBytes`, or when they cannot be decompressed. */
export async function decompress(bytes: Uint8Array, compression: Compression, maxBytes: number): Promise<Uint8Array> {
  const options = { maxOutputLength: maxBytes };
  try {
    if (bytes.byteLength < SYNC_BELOW_BYTES) return decompressSync(bytes, compression, options);
    return await decompressAsync(bytes, compression, options);
  } catch (error) {
    throw explain(error, maxBytes);
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

function decompressAsync(
  bytes: Uint8Array,
  compression: Compression,
  options: { maxOutputLength: number },
): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const done = (error: Error | null, result: Uint8Array) => error ? reject(error) : resolve(result);
  switch (compression) {
    case "gzip":
      zlib.gunzip(bytes, options, done);
      break;
    case "deflate":
      if (hasZlibHeader(bytes)) zlib.inflate(bytes, options, done);
      else zlib.inflateRaw(bytes, options, done);
      break;
    case "br":
      zlib.brotliDecompress(bytes, options, done);
      break;
    case "zstd":
      zlib.zstdDecompress(bytes, options, done);
      break;
  }
  return promise;
}

/** `deflate` should be zlib's format; some clients send it without the header. */
function hasZlibHeader(bytes: Uint8Array): boolean {
  const [first = 0, second = 0] = bytes;
  return (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0;
}

function explain(error: unknown, maxBytes: number): Error {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ERR_BUFFER_TOO_LARGE") {
    return tooLarge(
      `Request body too large: more than ${maxBytes} bytes when decompressed. Send fewer events per request.`,
    );
  }
  const reason = code === "Z_BUF_ERROR"
    ? "Compressed file ended before the end-of-stream marker was reached"
    : error instanceof Error
    ? error.message
    : String(error);
  return malformed(`Failed to decompress data. ${reason}`);
}
