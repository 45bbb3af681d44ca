/**
 * Extracts the JSON from a request in every form in which SDKs have packed it: as a body, form field or query
 * parameter; as gzip (declared or not), deflate, brotli, zstd, the variants of base64, or lz64.
 * @module
 */

import { Buffer } from "node:buffer";
import { CaptureError, malformed } from "../capture_error.ts";
import { type Compression, decompress, isGzip } from "./decompress.ts";
import { decompressLz64 } from "./lz64.ts";
import { BodyMeter, type ElementSpans, measureJson } from "./measure_json.ts";
import { MAX_FIELDS, splitMultipart } from "./multipart.ts";
import { decodeText, parseJson } from "./parse_json.ts";
import { readBody } from "./read_body.ts";
import { parseAround } from "./sent_events.ts";
import { startsJson } from "./starts_json.ts";

/** The content of a request. */
export interface Payload {
  /** Parsed JSON, in which `SentEvents` may stand for an array of events; undefined when the request holds no data. */
  data: unknown;
  query: URLSearchParams;
  /** Fields of a form; empty for other bodies. */
  form: URLSearchParams;
}

const FORM = "application/x-www-form-urlencoded";
const MULTIPART = "multipart/form-data";
const NO_FIELDS = new URLSearchParams();

/** Waits until there is room for a request that expands to so many bytes. */
export type Admit = (bytes: number) => Promise<void>;

/** Requests whose bodies are no larger than this many bytes are read without waiting. */
const SMALL_BYTES = 64 * 1024;
/** How many times its size a compressed body may expand to; the limit of deflate. */
const MAX_RATIO = 1_032;

/** Reads and decodes the request. `maxBytes` bounds the body as sent, and again when decompressed. */
export async function readPayload(
  request: Request,
  query: URLSearchParams,
  maxBytes: number,
  admit: Admit = () => Promise.resolve(),
): Promise<Payload> {
  const admitPacked = async (data: Uint8Array | string) => {
    if (data.length > 0 && !startsJson(data)) await admit(Math.min(maxBytes, data.length * MAX_RATIO));
  };
  if (request.method === "GET" || request.method === "HEAD") {
    const data = query.get("data") ?? "";
    await admitPacked(data);
    return { data: await parseData(data, query.get("compression") ?? "", maxBytes), query, form: NO_FIELDS };
  }
  const length = request.headers.get("content-length");
  const small = request.body === null || length !== null && Number(length) <= SMALL_BYTES;
  if (!small) await admit(maxBytes);
  const sent = await readMeasured(request, maxBytes);
  await admitPacked(sent.bytes);
  const encoding = request.headers.get("content-encoding")?.trim().toLowerCase() ?? "";
  const body = await undoContentEncoding(sent, encoding, maxBytes);
  const form = readForm(body.bytes, request.headers.get("content-type") ?? "");
  const compression = query.get("compression") ?? form?.get("compression") ?? encoding;
  if (form) return { data: await parseData(form.get("data") ?? "", compression, maxBytes), query, form };
  const data = body.spans
    ? parseAround(body.spans, (from, to) => decodeText(body.bytes.subarray(from, to)), body.bytes.byteLength)
    : await parseData(body.bytes, compression, maxBytes);
  return { data, query, form: NO_FIELDS };
}

/** A body, with the positions of its events if it is JSON large enough to be measured. */
interface Body {
  bytes: Uint8Array;
  spans: ElementSpans | null;
}

/** Reads the body. JSON with more events or values than a request may hold is refused while it arrives. */
async function readMeasured(request: Request, maxBytes: number): Promise<Body> {
  const meter = new BodyMeter();
  const bytes = await readBody(request, maxBytes, (piece) => meter.look(piece));
  return { bytes, spans: meter.end() };
}

/** Undoes the codings of Content-Encoding, outermost last. Unknown names may still tell how the payload was packed. */
async function undoContentEncoding(sent: Body, header: string, maxBytes: number): Promise<Body> {
  if (isGzip(sent.bytes)) return await decompressMeasured(sent.bytes, "gzip", maxBytes);
  if (header === "" || sent.bytes.byteLength === 0) return sent;
  let decoded = sent;
  for (const name of header.split(",").reverse()) {
    const compression = CONTENT_CODINGS.get(name.trim());
    if (compression) decoded = await decompressMeasured(decoded.bytes, compression, maxBytes);
  }
  return decoded;
}

/**
 * Decompresses the body. JSON with more events or values than a request may hold is refused while it is decompressed.
 */
async function decompressMeasured(packed: Uint8Array, compression: Compression, maxBytes: number): Promise<Body> {
  const meter = new BodyMeter();
  const bytes = await decompress(packed, compression, maxBytes, (piece) => meter.look(piece));
  return { bytes, spans: bytes.byteLength > MEASURE_FROM_CHARS ? meter.end() : null };
}

/** gzip is missing because it is recognised by its first bytes: some clients declare it without using it. */
const CONTENT_CODINGS = new Map<string, Compression>([["deflate", "deflate"], ["br", "br"], ["zstd", "zstd"]]);

/**
 * The fields of a form, or null when the body is not one. The body decides, because curl declares every body a form.
 */
function readForm(body: Uint8Array, contentType: string): URLSearchParams | null {
  if (startsJson(body) || isGzip(body)) return null;
  const type = contentType.toLowerCase();
  if (type.startsWith(MULTIPART)) return readMultipart(body, contentType);
  const text = type.startsWith(FORM) || startsWith(body, "data=") ? decodeText(body) : null;
  if (text === null || !text.includes("=")) return null;
  if (hasTooManyFields(text)) throw malformed(`a form may have ${MAX_FIELDS} fields`);
  const form = new URLSearchParams(text);
  return form.has("data") || type.startsWith(FORM) && !looksPacked(text) ? form : null;
}

/** Each would take a microsecond of the only thread, and a body has room for millions. */
function hasTooManyFields(form: string): boolean {
  let fields = 1;
  for (let at = form.indexOf("&"); at >= 0 && fields <= MAX_FIELDS; at = form.indexOf("&", at + 1)) fields++;
  return fields > MAX_FIELDS;
}

/** Bare base64 sent as if it were a form: its only equals signs are the padding. */
function looksPacked(text: string): boolean {
  return /^[\w+/ -]+={1,2}\s*$/.test(text);
}

function readMultipart(body: Uint8Array, contentType: string): URLSearchParams {
  const form = new URLSearchParams();
  for (const { name, bytes } of splitMultipart(body, contentType)) form.append(name, decodeText(bytes));
  return form;
}

async function parseData(data: Uint8Array | string, compression: string, maxBytes: number): Promise<unknown> {
  if (data.length === 0) return undefined;
  const text = typeof data === "string" ? data : decodeText(data);
  // Browsers that could not compress send plain JSON, even when the address names a compression.
  if (startsJson(text)) return await parseBounded(text);
  if (compression.startsWith("lz64")) return await parseBounded(await decompressLz64(text.trim(), maxBytes));
  const unpacked = await decodeBase64(text, maxBytes);
  try {
    return await parseBounded(unpacked ?? text);
  } catch (error) {
    const isTooLarge = error instanceof CaptureError && error.status === 413;
    if (isTooLarge || !compression.startsWith("gzip")) throw error;
    throw malformed("Failed to decompress data. Not a gzipped file");
  }
}

/** Smaller texts need no measuring: whatever they hold expands to little. */
const MEASURE_FROM_CHARS = 64 * 1024;

async function parseBounded(text: string): Promise<unknown> {
  const spans = text.length > MEASURE_FROM_CHARS ? await measureJson(text) : null;
  return spans ? parseAround(spans, (from, to) => text.slice(from, to), text.length) : parseJson(text);
}

/** The text inside base64 (also URL-safe, unpadded, or with + turned into a space), or null when it is not JSON. */
async function decodeBase64(text: string, maxBytes: number): Promise<string | null> {
  const base64 = text.trim();
  // Node's decoder stops at the first invalid character, so anything else in the payload means that it was not base64.
  if (!/^[\w+/\r\n -]+=*$/.test(base64)) return null;
  const bytes = Buffer.from(withPlus(base64), "base64");
  if (isGzip(bytes)) return decodeText((await decompressMeasured(bytes, "gzip", maxBytes)).bytes);
  return startsJson(bytes) ? decodeText(bytes) : null;
}

/** With + for each space. Replacing them in the text would take a hundred times as long (measured). */
function withPlus(base64: string): string {
  if (!base64.includes(" ")) return base64;
  const bytes = Buffer.from(base64, "latin1");
  for (let at = 0; at < bytes.length; at++) if (bytes[at] === SPACE) bytes[at] = PLUS;
  return bytes.toString("latin1");
}

const SPACE = 0x20;
const PLUS = 0x2b;

function startsWith(bytes: Uint8Array, prefix: string): boolean {
  for (let i = 0; i < prefix.length; i++) {
    if (bytes[i] !== prefix.charCodeAt(i)) return false;
  }
  return true;
}
