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
import { decodeText } from "./decode_text.ts";
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
  /** Encodes this text the way the original body was encoded; null if the body is binary and must stay as it is. */
  repack: ((text: string) => Uint8Array) | null;
}

/** All headers of the request, with names in lower case. */
type SentHeaders = Arrival["headers"];

/** Bodies up to this size are read in one piece, which costs a third of streaming them. */
const SMALL_BYTES = 64 * 1024;

/**
 * Streams the body. Rejects with a CaptureError if the body is announced as too large, or if its length is none; the
 * stream fails with one if it turns out to be too large.
 */
export async function streamSent(request: Request, headers: SentHeaders): Promise<Sent> {
  const framing = framingOf(request.method, headers);
  if (framing.kind === "none" || request.body === null) return { ...NONE, ...UNREAD };
  if (framing.kind === "unsaid") return { ...await readBeginning(request.body, SMALL_BYTES), ...UNREAD };
  if (framing.kind === "chunked") return { body: bounded(request.body), length: null, ...UNREAD };
  if (framing.bytes <= SMALL_BYTES) return { ...await readWhole(request), ...UNREAD };
  return { body: request.body, length: framing.bytes, ...UNREAD };
}

/** Reads the body and its text; a body that is too large for that is streamed. Rejects with a CaptureError. */
export async function readSent(request: Request, headers: SentHeaders): Promise<Sent> {
  const framing = framingOf(request.method, headers);
  if (framing.kind === "none" || request.body === null) return { ...NONE, ...UNREAD };
  const length = framing.kind === "length" ? framing.bytes : null;
  if ((length ?? 0) > MOST_READ_BYTES) return await streamSent(request, headers);
  const sent = length !== null && length <= SMALL_BYTES
    ? await readWhole(request)
    : await readBeginning(request.body, MOST_READ_BYTES);
  return { ...sent, ...sent.body instanceof ReadableStream ? UNREAD : await unpack(sent.body) };
}

const WITHOUT_BODY = ["GET", "HEAD"];
const NONE = { body: null, length: 0 };
const UNREAD = { text: "", repack: encode };

/** Undoes gzip, and the base64 form field that posthog-js sends when it cannot compress. */
async function unpack(body: Uint8Array | null): Promise<Pick<Sent, "text" | "repack">> {
  if (body === null) return UNREAD;
  const plain = isGzip(body) ? await decompress(body, "gzip", MOST_READ_BYTES).catch(() => null) : null;
  const form = decodeText(plain ?? body);
  // Fields around which there is something binary can still say which project is meant.
  if (form === null) return { text: new TextDecoder().decode(plain ?? body), repack: null };
  if (plain !== null) return { text: form, repack: (text) => gzipSync(encode(text), { level: 1 }) };
  const data = /(?:^|&)data=([^&]+)/.exec(form)?.[1];
  const inner = data === undefined ? null : decodeBase64(data);
  if (data === undefined || inner === null) return { text: form, repack: encode };
  const pack = (text: string) => encodeURIComponent(Buffer.from(text).toString("base64"));
  return { text: inner, repack: (text) => encode(form.replace(data, () => pack(text))) };
}

/** Null if the field is not the base64 of a text. */
function decodeBase64(field: string): string | null {
  try {
    const text = decodeURIComponent(field);
    return /^[A-Za-z0-9+/= ]+$/.test(text) ? decodeText(Buffer.from(text.replaceAll(" ", "+"), "base64")) : null;
  } catch {
    return null;
  }
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

type Body = Pick<Sent, "body" | "length">;

async function readWhole(request: Request): Promise<Body> {
  const body = await request.bytes().catch(() => {
    throw endedEarly();
  });
  return { body, length: body.byteLength };
}

/** The whole body if it has at most `most` bytes, and none if it has no byte; otherwise a stream. */
async function readBeginning(stream: ReadableStream<Uint8Array<ArrayBuffer>>, most: number): Promise<Body> {
  const body = await readUpTo(stream, most).catch(() => {
    throw endedEarly();
  });
  if (body instanceof ReadableStream) return { body: bounded(body), length: null };
  return body.byteLength === 0 ? NONE : { body, length: body.byteLength };
}

function endedEarly(): Error {
  return invalidPayload("Malformed request data: the body ended before it was complete");
}

/**
 * How the head of a request frames its body. Where it does not say, there is no body in HTTP/1.1, and in HTTP/2 there
 * may be one.
 */
type Framing = { kind: "none" } | { kind: "length"; bytes: number } | { kind: "chunked" } | { kind: "unsaid" };

/** A Content-Length beside Transfer-Encoding must be ignored, and a GET may announce a length and send nothing. */
function framingOf(method: string, headers: SentHeaders): Framing {
  if (WITHOUT_BODY.includes(method)) return { kind: "none" };
  if (headers.has("transfer-encoding")) return { kind: "chunked" };
  const announced = headers.get("content-length");
  if (announced === undefined) return { kind: "unsaid" };
  const bytes = parseLength(announced);
  if (bytes > MOST_BYTES) throw requestTooLarge();
  return { kind: "length", bytes };
}

/** The value that all Content-Length headers of the request have, which come joined by commas. */
function parseLength(announced: string): number {
  const [length = "", ...others] = announced.split(",").map((each) => each.trim());
  if (!/^\d{1,15}$/.test(length) || others.some((other) => other !== length)) {
    throw invalidPayload(
      `Malformed request data: Content-Length is ${JSON.stringify(announced)}, expected one number of bytes`,
    );
  }
  return Number(length);
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
