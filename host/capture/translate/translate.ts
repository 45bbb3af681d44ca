/**
 * Translates requests of other tools into capture requests.
 * @module
 */

import type { Admit } from "../body/read_payload.ts";

/** Reads a request and returns it as a capture request with a JSON body. Rejects with CaptureError. */
export type Translate = (request: Request, maxBytes: number, admit: Admit) => Promise<Request>;

/** A request with the headers and address of the given one and this JSON as its body. */
export function requestOf({ url, headers }: Request, body: Record<string, unknown>): Request {
  const kept = new Headers(headers);
  for (const name of ["content-encoding", "content-length", "transfer-encoding"]) kept.delete(name);
  kept.set("content-type", "application/json");
  return new Request(url, { method: "POST", headers: kept, body: JSON.stringify(body) });
}
