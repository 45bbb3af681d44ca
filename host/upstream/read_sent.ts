/**
 * A request's body on its way to the upstream: streamed, or read where it says which project it is for or holds a token to replace.
 * @module
 */

import { decompress, isGzip } from "../capture/body/decompress.ts";
import { invalidPayload, tooLarge } from "../capture/capture_error.ts";
import { readUpTo } from "./read_up_to.ts";

/** A larger body is refused. */
const MOST_BYTES = 64 * 1024 * 1024;
/** Bodies in which a token is looked for are no larger, as sent and unpacked: they hold the properties of a person at most. */
export const MOST_READ_BYTES = 1024 * 1024;

export interface Sent {
  body: ReadableStream<Uint8Array> | Uint8Array | null;
  /** Bytes of the body; null when it is known only at its end. */
  length: number | null;
  /** The body unpacked, where it was read and is text; else "". */
  text: string;
}

/** The body as it comes. Throws CaptureError when it is announced as too large; the stream fails when it becomes so. */
export function streamSent(request: Request): Sent {
  const length = lengthOf(request);
  if (request.body === null) return { body: null, length: 0, text: "" };
  return { body: length === null ? bounded(request.body) : request.body, length, text: "" };
}

/** The body with its text; one that is too large for that is streamed. Rejects with CaptureError. */
export async function readSent(request: Request): Promise<Sent> {
  const length = lengthOf(request);
  if (request.body === null || (length ?? 0) > MOST_READ_BYTES) return streamSent(request);
  const body = await readUpTo(request.body, MOST_READ_BYTES).catch(() => {
    throw invalidPayload("Malformed request data: the body ended before it was complete");
  });
  if (body instanceof ReadableStream) return { body: bounded(body), length: null, text: "" };
  const plain = isGzip(body) ? await decompress(body, "gzip", MOST_READ_BYTES).catch(() => body) : body;
  return { body, length: body.byteLength, text: new TextDecoder().decode(plain) };
}

/** Null when the body comes in chunks: a Content-Length beside Transfer-Encoding counts for nothing. */
function lengthOf({ headers }: Request): number | null {
  const announced = headers.has("transfer-encoding") ? null : headers.get("content-length");
  if (announced === null) return null;
  if (Number(announced) > MOST_BYTES) throw requestTooLarge();
  return Number(announced);
}

function bounded(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  let bytes = 0;
  return body.pipeThrough(
    new TransformStream({
      transform(chunk, controller) {
        bytes += chunk.byteLength;
        if (bytes > MOST_BYTES) throw requestTooLarge();
        controller.enqueue(chunk);
      },
    }),
  );
}

function requestTooLarge(): Error {
  return tooLarge("Request too large: at most 64 MB are accepted here.");
}
