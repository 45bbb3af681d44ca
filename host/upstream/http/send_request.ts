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
  head += "\r\n";
  if (!(body instanceof ReadableStream)) return await connection.writeText(head, body ?? undefined);
  await connection.writeText(head);
  await sendStream(connection, body, length, onSent);
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
      await connection.writeText(`${piece.byteLength.toString(16)}\r\n`, piece);
      await connection.writeText("\r\n");
    }
    onSent();
  }
  if (length === null) await connection.writeText("0\r\n\r\n");
  else if (sent < length) throw new ProtocolError("the client sent less than it announced");
}
