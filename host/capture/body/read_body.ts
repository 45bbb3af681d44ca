/**
 * Reads a request's body up to a bound, whatever its headers claim.
 * @module
 */

import { Buffer } from "node:buffer";
import { CaptureError, invalidPayload, requestTimeout, tooLarge } from "../capture_error.ts";

/** How long a client may take to send a body, in milliseconds. */
const PATIENCE_MS = 60_000;

/** Called with each piece of a large body as it arrives. It may throw, which stops the reading. */
export type Look = (piece: Uint8Array) => void;

/** Bodies announced as no larger than this are read in one piece. */
const ONE_PIECE_BYTES = 64 * 1024;

/**
 * The body's bytes. Refused as soon as the body is known to be too large, by Content-Length or while it streams in, and
 * when it has not arrived within `patienceMs`.
 */
export async function readBody(
  request: Request,
  maxBytes: number,
  look: Look = () => {},
  patienceMs = PATIENCE_MS,
): Promise<Uint8Array> {
  if (request.body === null) return new Uint8Array();
  const length = request.headers.get("content-length");
  if (length !== null && Number(length) > maxBytes) throw bodyTooLarge(maxBytes);
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(requestTimeout(patienceMs / 1000)), patienceMs);
  try {
    // The server passes on no more bytes than Content-Length announced.
    const isSmall = length !== null && Number(length) <= ONE_PIECE_BYTES;
    const bytes = isSmall ? request.bytes() : readStream(request.body, maxBytes, look);
    return await Promise.race([bytes, late.promise]);
  } catch (error) {
    if (error instanceof CaptureError) throw error;
    throw invalidPayload("Malformed request data: the body ended before it was complete");
  } finally {
    clearTimeout(timer);
  }
}

async function readStream(body: ReadableStream<Uint8Array>, maxBytes: number, look: Look): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop cancels the stream.
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > maxBytes) throw bodyTooLarge(maxBytes);
    look(chunk);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

function bodyTooLarge(maxBytes: number): Error {
  return tooLarge(
    `Request body too large: at most ${maxBytes} bytes are accepted here. Send fewer events per request.`,
  );
}
