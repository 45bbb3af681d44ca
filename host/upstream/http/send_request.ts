/**
 * Writing a request, with a body that is exactly as long as its head says.
 * @module
 */

import type { Connection } from "./connection.ts";
import { ProtocolError } from "./read_head.ts";

export interface OutgoingRequest {
  /** The address of the upstream, such as `https://eu.i.posthog.com`; a path in it stands before the request's. */
  host: string;
  /** Encoded, with its query. */
  path: string;
  method: string;
  /** What goes on besides host and the body's length, which are written here. */
  headers: Iterable<[name: string, value: string]>;
  body: ReadableStream<Uint8Array> | Uint8Array | null;
  /** Bytes of the body; null when it is known only at its end. */
  length: number | null;
}

const utf8 = new TextEncoder();

const parsed = new Map<string, URL>();

/** The address of an upstream; there are few. */
export function parsedHost(host: string): URL {
  const known = parsed.get(host);
  if (known !== undefined) return known;
  const url = new URL(host);
  parsed.set(host, url);
  return url;
}

/** Resolves when all of it is written. */
export async function sendRequest(connection: Connection, request: OutgoingRequest): Promise<void> {
  const { method, headers, body, length } = request;
  const upstream = parsedHost(request.host);
  let head = `${method} ${upstream.pathname.replace(/\/$/, "")}${request.path} HTTP/1.1\r\nhost: ${upstream.host}\r\n`;
  for (const [name, value] of headers) head += `${name}: ${value}\r\n`;
  if (body !== null) head += length === null ? "transfer-encoding: chunked\r\n" : `content-length: ${length}\r\n`;
  else if (!["GET", "HEAD", "OPTIONS", "DELETE"].includes(method)) head += "content-length: 0\r\n";
  const bytes = latin1(`${head}\r\n`);
  if (!(body instanceof Uint8Array)) await connection.write(bytes);
  if (body instanceof Uint8Array) await connection.write(concat(bytes, body));
  else if (body !== null) await sendStream(connection, body, length);
}

/** Never more and never fewer bytes than were announced: the rest would be taken for another request. */
async function sendStream(connection: Connection, body: ReadableStream<Uint8Array>, length: number | null) {
  let sent = 0;
  for await (const piece of body) {
    if (piece.byteLength === 0) continue;
    sent += piece.byteLength;
    if (length !== null && sent > length) throw new ProtocolError("the client sent more than it announced");
    if (length !== null) await connection.write(piece);
    else await connection.write(concat(concat(utf8.encode(`${piece.byteLength.toString(16)}\r\n`), piece), CRLF));
  }
  if (length === null) await connection.write(LAST_CHUNK);
  else if (sent < length) throw new ProtocolError("the client sent less than it announced");
}

const CRLF = utf8.encode("\r\n");
const LAST_CHUNK = utf8.encode("0\r\n\r\n");

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.byteLength + second.byteLength);
  both.set(first);
  both.set(second, first.byteLength);
  return both;
}

/** As headers are written. What cannot be is `?`, as in other proxies; there are no line ends in what Headers took. */
function latin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    bytes[i] = code > 0xff ? 0x3f : code;
  }
  return bytes;
}
