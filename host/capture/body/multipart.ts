/**
 * Splits multipart forms. Deno's own parser looks at each byte in JavaScript: a body of 20 MB would keep the only
 * thread for seconds (measured). Searching it for the boundary takes 50 ms.
 * @module
 */

import { Buffer } from "node:buffer";
import { malformed } from "../capture_error.ts";

/** SDKs send a handful. */
export const MAX_FIELDS = 1000;

export interface FormPart {
  name: string;
  /** Of the part's Content-Type, in lower case; "" when it has none. */
  type: string;
  bytes: Uint8Array;
}

/** The parts that have a name. Throws 400 for anything that is no such form, or has more than MAX_FIELDS parts. */
export function splitMultipart(body: Uint8Array, contentType: string): FormPart[] {
  const [, quoted, bare] = /;\s*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType) ?? [];
  const boundary = quoted ?? bare;
  if (boundary === undefined) throw invalid();
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const delimiter = `--${boundary}`;
  const parts: FormPart[] = [];
  let at = findDelimiter(bytes, delimiter, 0);
  for (let count = 0; at >= 0; count++) {
    const headersAt = at + delimiter.length;
    if (bytes[headersAt] === DASH) return parts;
    if (count === MAX_FIELDS) throw malformed(`a form may have ${MAX_FIELDS} fields`);
    const headersEnd = bytes.indexOf("\r\n\r\n", headersAt);
    if (headersEnd < 0) throw invalid();
    const next = findDelimiter(bytes, `\r\n${delimiter}`, headersEnd + 4);
    if (next < 0) throw invalid();
    const headers = bytes.toString("utf8", headersAt, Math.min(headersEnd, headersAt + MAX_HEADERS_BYTES));
    const name = /^content-disposition:.*?;\s*name="([^"]*)"/im.exec(headers)?.[1];
    const type = /^content-type:[ \t]*(.*)/im.exec(headers)?.[1]?.trim().toLowerCase() ?? "";
    if (name !== undefined) parts.push({ name, type, bytes: bytes.subarray(headersEnd + 4, next) });
    at = next + 2;
  }
  throw invalid();
}

/** Where the delimiter stands as a whole line, or with `--` behind it: a line of content may begin as it does. */
function findDelimiter(bytes: Buffer, delimiter: string, from: number): number {
  let at = bytes.indexOf(delimiter, from);
  while (at >= 0) {
    const after = at + delimiter.length;
    const [first = 0, second] = bytes.subarray(after, after + 2);
    if (LINE_ENDS.includes(first) || first === DASH && second === DASH) return at;
    at = bytes.indexOf(delimiter, after);
  }
  return at;
}

/** Blanks may stand before the end of the line. */
const LINE_ENDS = [0x0d, 0x20, 0x09];
const DASH = 0x2d;
const MAX_HEADERS_BYTES = 8 * 1024;

function invalid(): Error {
  return malformed("Invalid multipart form");
}
