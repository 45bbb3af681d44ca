/**
 * The request's body on its way to the upstream. It is streamed, unless it has to be read because it says which project
 * it is for or contains a token to replace.
 * @module
 */

import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import type { Arrival } from "../capture/arrival.ts";
import { decompress, isGzip } from "../capture/body/decompress.ts";
import { invalidPayload, tooLarge } from "../capture/capture_error.ts";
import { readUpTo } from "./read_up_to.ts";

/** Larger bodies are refused. */
const MOST_BYTES = 64 * 1024 * 1024;
/**
 * The largest body, both compressed and decompressed, in which a token is looked for. Such bodies hold a person's
 * properties at most.
 */
const MOST_READ_BYTES = 1024 * 1024;

export interface Sent {
  body: ReadableStream<Uint8Array> | Uint8Array | null;
  /** The length of the body in bytes; null if it is known only at the end. */
  length: number | null;
  /** The decompressed text of the body if it was read, otherwise "". */
  text: string;
  /** Encodes this text the way the original body was encoded. */
  repack(text: string): Uint8Array;
}

/** All headers of the request, with names in lower case. */
type SentHeaders = Arrival["headers"];

/** Bodies up to this size are read in one piece, which costs a third of streaming them. */
const SMALL_BYTES = 64 * 1024;

/**
 * Streams the body. Rejects with a CaptureError if the body is announced as too large; the stream fails if it turns out
 * to be too large.
 */
export async function streamSent(request: Request, headers: SentHeaders): Promise<Sent> {
  const length = lengthOf(request.method, headers);
  if (length !== null && length <= SMALL_BYTES) return { ...await readWhole(request), ...UNREAD };
  if (request.body === null) return { ...NONE, ...UNREAD };
  return { body: length === null ? bounded(request.body) : request.body, length, ...UNREAD };
}

/** Reads the body and its text; a body that is too large for that is streamed. Rejects with a CaptureError. */
export async function readSent(request: Request, headers: SentHeaders): Promise<Sent> {
  const length = lengthOf(request.method, headers);
  if (length !== null && length <= SMALL_BYTES) {
    const whole = await readWhole(request);
    return { ...whole, ...await unpack(whole.body) };
  }
  if (request.body === null || (length ?? 0) > MOST_READ_BYTES) return await streamSent(request, headers);
  const body = await readUpTo(request.body, MOST_READ_BYTES).catch(() => {
    throw endedEarly();
  });
  if (body instanceof ReadableStream) return { body: bounded(body), length: null, ...UNREAD };
  return { body, length: body.byteLength, ...await unpack(body) };
}

const WITHOUT_BODY = ["GET", "HEAD"];
const NONE = { body: null, length: 0 };
const UNREAD = { text: "", repack: encode };

/** Undoes gzip, and the base64 form field that posthog-js sends when it cannot compress. */
async function unpack(body: Uint8Array | null): Promise<Pick<Sent, "text" | "repack">> {
  if (body === null) return UNREAD;
  const plain = isGzip(body) ? await decompress(body, "gzip", MOST_READ_BYTES).catch(() => null) : null;
  if (plain !== null) return { text: decode(plain), repack: (text) => gzipSync(encode(text), { level: 1 }) };
  const form = decode(body);
  const data = /(?:^|&)data=([^&]+)/.exec(form)?.[1];
  const inner = data === undefined ? null : decodeBase64(data);
  if (data === undefined || inner === null) return { text: form, repack: encode };
  const pack = (text: string) => encodeURIComponent(Buffer.from(text).toString("base64"));
  return { text: inner, repack: (text) => encode(form.replace(data, () => pack(text))) };
}

/** Null if the body is not such a form. */
function decodeBase64(field: string): string | null {
  try {
    const text = decodeURIComponent(field);
    return /^[A-Za-z0-9+/= ]+$/.test(text) ? Buffer.from(text.replaceAll(" ", "+"), "base64").toString() : null;
  } catch {
    return null;
  }
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Only what was really sent counts: a GET may announce a length and send nothing. */
async function readWhole(request: Request): Promise<{ body: Uint8Array<ArrayBuffer> | null; length: number }> {
  if (WITHOUT_BODY.includes(request.method)) return NONE;
  const body = await request.bytes().catch(() => {
    throw endedEarly();
  });
  return { body, length: body.byteLength };
}

function endedEarly(): Error {
  return invalidPayload("Malformed request data: the body ended before it was complete");
}

/** Null if the body is chunked: a Content-Length beside Transfer-Encoding must be ignored. */
function lengthOf(method: string, headers: SentHeaders): number | null {
  if (WITHOUT_BODY.includes(method)) return 0;
  const announced = headers.has("transfer-encoding") ? undefined : headers.get("content-length");
  if (announced === undefined) return null;
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
