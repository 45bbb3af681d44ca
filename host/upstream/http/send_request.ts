/**
 * Writes a request whose body is exactly as long as its head says.
 * @module
 */

import type { Connection } from "./connection.ts";

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

/** The client's body could not be read to its end, or is not as long as its head says. The upstream is not to blame. */
export class RequestBodyError extends Error {
  override name = "RequestBodyError";
}

/** Called before each step of sending a stream: the next piece comes from the client, then the upstream takes it. */
type OnStep = (waitsFor: "client" | "upstream") => void;

const parsed = new Map<string, URL>();

/** Parses the address of an upstream. Results are cached, because there are few upstreams. */
export function parsedHost(host: string): URL {
  const known = parsed.get(host);
  if (known !== undefined) return known;
  const url = new URL(host);
  parsed.set(host, url);
  return url;
}

/**
 * Resolves when the whole request has been written. Rejects with a RequestBodyError if it is the body's fault that it
 * cannot be.
 */
export async function sendRequest(connection: Connection, request: OutgoingRequest, onStep: OnStep): Promise<void> {
  const { method, headers, body, length } = request;
  if (length !== null && !(Number.isSafeInteger(length) && length >= 0)) {
    throw new RequestBodyError(`Cannot send a body of ${length} bytes: expected a whole number, or null`);
  }
  const upstream = parsedHost(request.host);
  let head = `${method} ${upstream.pathname.replace(/\/$/, "")}${request.path} HTTP/1.1\r\nhost: ${upstream.host}\r\n`;
  for (const [name, value] of headers) head += `${name}: ${value}\r\n`;
  if (body !== null) head += length === null ? "transfer-encoding: chunked\r\n" : `content-length: ${length}\r\n`;
  else if (!["GET", "HEAD", "OPTIONS", "DELETE"].includes(method)) head += "content-length: 0\r\n";
  head += "\r\n";
  if (!(body instanceof ReadableStream)) return await connection.writeText(head, body ?? undefined);
  await connection.writeText(head);
  await sendStream(connection, body, length, onStep);
}

/** Sends exactly as many bytes as were announced: any more would be read as the next request. */
async function sendStream(
  connection: Connection,
  body: ReadableStream<Uint8Array>,
  length: number | null,
  onStep: OnStep,
): Promise<void> {
  let sent = 0;
  for await (const piece of piecesOf(body, onStep)) {
    if (piece.byteLength === 0) continue;
    sent += piece.byteLength;
    if (length !== null && sent > length) throw new RequestBodyError("the client sent more than it announced");
    if (length !== null) await connection.write(piece);
    else {
      await connection.writeText(`${piece.byteLength.toString(16)}\r\n`, piece);
      await connection.writeText("\r\n");
    }
  }
  if (length === null) await connection.writeText("0\r\n\r\n");
  else if (sent < length) throw new RequestBodyError("the client sent less than it announced");
}

/** Yields the pieces of a stream, and cancels it if they are not all taken. Throws a RequestBodyError if it fails. */
async function* piecesOf(body: ReadableStream<Uint8Array>, onStep: OnStep): AsyncGenerator<Uint8Array, void> {
  const reader = body.getReader();
  try {
    while (true) {
      onStep("client");
      const { done, value } = await reader.read().catch((cause) => {
        throw new RequestBodyError("the body ended before it was complete", { cause });
      });
      onStep("upstream");
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
