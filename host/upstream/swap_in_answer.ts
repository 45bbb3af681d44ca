/**
 * Replaces the project's PostHog key in an answer with the token that the client asked with.
 * @module
 */

import { decodeText } from "./decode_text.ts";
import { UpstreamError } from "./forward.ts";
import { readUpTo } from "./read_up_to.ts";
import { swapToken } from "./tokens.ts";

/** The largest answer that is searched; configurations and flags are a few kilobytes. */
const MOST_BYTES = 5 * 1024 * 1024;

/**
 * Resolves with the answer, its token replaced. An answer that is compressed, not UTF-8 or too large stays as it is.
 * Rejects with an UpstreamError.
 */
export async function swapInAnswer(answer: Response, from: string, to: string): Promise<Response> {
  const isText = /json|javascript|text/.test(answer.headers.get("content-type") ?? "");
  if (answer.body === null || !isText || answer.headers.has("content-encoding")) return answer;
  const read = await readUpTo(answer.body, MOST_BYTES).catch((cause) => {
    throw new UpstreamError("unreachable", `Cannot read an answer to its end: ${cause.message}`, { cause });
  });
  if (read instanceof ReadableStream) return new Response(read, answer);
  const text = decodeText(read);
  const swapped = text === null ? read : new TextEncoder().encode(swapToken(text, from, to));
  const headers = new Headers(answer.headers);
  headers.set("content-length", String(swapped.byteLength));
  return new Response(swapped, { status: answer.status, headers });
}
