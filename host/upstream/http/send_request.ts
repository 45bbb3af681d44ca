/**
 * Writes a request whose body is exactly as long as its head says.
 * @module
 */

import type { Connection } from "./connection.ts";
import { ProtocolError } from "./read_head.ts";

export interface OutgoingRequest {
  /**
   * The address of the upstream, such as `https://eu.i.posthog.com`. If it has a path, that is prefixed to the
   * request's.
   */
  host: string;
  /** Percent-encoded, with the query. */
  path: string;
  method: string;
  /** Every header except Host and those that frame the body, which are written here. */
  headers: Iterable<[name: string, value: string]>;
  body: ReadableStream<Uint8Array> | Uint8Array | null;
  /** The length of the body in bytes; null if it is known only at the end. */
  length: number | null;
}

/** Called for each piece of a stream that was sent. */
type OnSent = () => void;

const parsed = new Map<string, URL>();

/** Parses the address of an upstream. Results are cached, because there are few upstreams. */
export function parsedHost(host: string): URL {
  const known = parsed.get(host);
  if (known !== undefined) return known;
  const url = new URL(host);
  parsed.set(host, url);
  return url;
}

/** Resolves when the whole request has been written. */
export async function sendRequest(connection: Connection, request: OutgoingRequest, onSent: OnSent): Promise<void> {
  const { method, headers, body, length } = request;
  const upstream = parsedHost(request.host);
  let head = `${method} ${upstream.pathname.replace(/\/$/, "")}${request.path} HTTP/1.1\r\nhost: ${upstream.host}\r\n`;
  for (const [name, value] of headers) head += `${name}: ${value}\r\n`;
  if (body !== null) head += length === null ? "transfer-encoding: chunked\r\n" : `content-length: ${length}\r\n`;
  else if (!["GET", "HEAD", "OPTIONS", "DELETE"].includes(method)) head += "content-length: 0\r\n";
  await connection.write(encode(`${head}\r\n`, body instanceof Uint8Array ? body : NOTHING));
  if (body instanceof ReadableStream) await sendStream(connection, body, length, onSent);
}

/** Sends exactly as many bytes as were announced: any more would be read as the next request. */
async function sendStream(
  connection: Connection,
  body: ReadableStream<Uint8Array>,
  length: number | null,
  onSent: OnSent,
): Promise<void> {
  let sent = 0;
  for await (const piece of body) {
    if (piece.byteLength === 0) continue;
    sent += piece.byteLength;
    if (length !== null && sent > length) throw new ProtocolError("the client sent more than it announced");
    if (length !== null) await connection.write(piece);
    else {
      await connection.write(encode(`${piece.byteLength.toString(16)}\r\n`, piece));
      await connection.write(CRLF);
    }
    onSent();
  }
  if (length === null) await connection.write(LAST_CHUNK);
  else if (sent < length) throw new ProtocolError("the client sent less than it announced");
}

const NOTHING = new Uint8Array();
const CRLF = encode("\r\n", NOTHING);
const LAST_CHUNK = encode("0\r\n\r\n", NOTHING);

/**
 * Encodes the text as Latin-1, as headers are, and appends the bytes. A character outside Latin-1 becomes `?`, never
 * another character.
 */
function encode(text: string, after: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(text.length + after.byteLength);
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    bytes[at] = code > 0xff ? 0x3f : code;
  }
  bytes.set(after, text.length);
  return bytes;
}
