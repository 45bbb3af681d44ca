/**
 * Reads the head of an answer. Anything that is not plainly HTTP/1.1 is refused: if two readers understood one head
 * differently, the answer to one request could be taken for the answer to another.
 * @module
 */

import { Buffer } from "node:buffer";
import type { Connection } from "./connection.ts";

export interface AnswerHead {
  status: number;
  statusText: string;
  /** In the order in which they came, with names in lower case. */
  headers: [name: string, value: string][];
  /** The values of its Connection headers, joined by commas; "" without any. */
  connection: string;
  /** How the end of the body is recognised. */
  framing: Framing;
  /** Whether the connection may be used for another request. */
  isKept: boolean;
}

/** There is no body, its length is known, it comes in chunks, or it lasts until the upstream closes the connection. */
export type Framing = { kind: "none" } | { kind: "length"; bytes: number } | { kind: "chunked" } | { kind: "closed" };

/** The upstream sent something that is not valid HTTP. */
export class ProtocolError extends Error {
  override name = "ProtocolError";
}

/** The upstream closed the connection before the first byte of an answer. */
export class ClosedError extends Error {
  override name = "ClosedError";
}

const MOST_BYTES = 64 * 1024;
const NAME = /^[\w!#$%&'*+.^`|~-]+$/;

/** Reads the head of the answer to a request with this method. Informational (1xx) answers before it are skipped. */
export async function readHead(connection: Connection, method: string): Promise<AnswerHead> {
  while (true) {
    const head = parseHead(await readUntilBlankLine(connection), method);
    if (head.status === 101) throw new ProtocolError("it switches to another protocol, which nobody asked for");
    if (head.status >= 200) return head;
  }
}

async function readUntilBlankLine(connection: Connection): Promise<string> {
  let text = "";
  while (true) {
    const bytes = await connection.read();
    if (bytes === null) {
      if (text === "") throw new ClosedError("it closed the connection without an answer");
      throw new ProtocolError("it closed the connection within the head of an answer");
    }
    const from = text.length;
    text += Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
    if (text.length > MOST_BYTES) throw new ProtocolError(`the head of its answer is larger than ${MOST_BYTES} bytes`);
    const end = text.indexOf("\r\n\r\n", Math.max(0, from - 3));
    if (end !== -1) {
      connection.unread(bytes.subarray(end + 4 - from));
      return text.slice(0, end);
    }
  }
}

function parseHead(text: string, method: string): AnswerHead {
  const [first = "", ...lines] = text.split("\r\n");
  const [, minor, code, statusText = ""] = /^HTTP\/1\.([01]) (\d{3})(?: (.*))?$/.exec(first) ?? [];
  if (code === undefined) throw new ProtocolError("its answer does not begin as HTTP/1.1 does");
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(0, colon)).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (!NAME.test(name) || /[\0\r\n]/.test(value)) throw new ProtocolError("a header of its answer is none");
    return [name, value];
  });
  const status = Number(code);
  const connection = valuesOf(headers, "connection").join(",");
  return {
    status,
    statusText,
    headers,
    connection,
    framing: framingOf(headers, status, method),
    isKept: minor === "1" ? !/\bclose\b/i.test(connection) : /\bkeep-alive\b/i.test(connection),
  };
}

function framingOf(headers: AnswerHead["headers"], status: number, method: string): Framing {
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) return { kind: "none" };
  const encodings = valuesOf(headers, "transfer-encoding");
  const lengths = new Set(valuesOf(headers, "content-length"));
  if (encodings.length > 0) {
    if (lengths.size > 0) throw new ProtocolError("its answer has both a length and chunks");
    if (encodings.join().toLowerCase() !== "chunked") {
      throw new ProtocolError("its answer is encoded in an unknown way");
    }
    return { kind: "chunked" };
  }
  const [length] = lengths;
  if (length === undefined) return { kind: "closed" };
  if (lengths.size > 1 || !/^\d{1,15}$/.test(length)) throw new ProtocolError("the length of its answer is none");
  return { kind: "length", bytes: Number(length) };
}

function valuesOf(headers: AnswerHead["headers"], name: string): string[] {
  return headers.filter(([each]) => each === name).map(([, value]) => value);
}
