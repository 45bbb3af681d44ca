/**
 * Finds the project token in requests and answers, and replaces it on the way out and back if the project has a
 * different key at PostHog.
 * @module
 */

import type { Arrival } from "../capture/arrival.ts";

/** The value of an Authorization header that carries a token. */
export const BEARER = /^Bearer\s+(\S+)/i;

/** The fields in which SDKs send a token, in JSON and in forms. */
const FIELD = /(?:"(?:token|api_key|\$token)"\s*:\s*"|(?:^|&)(?:token|api_key)=)([\x21\x23-\x25\x27-\x7e]{1,64})/g;

/**
 * Yields everything that may be a token: first parts of the path, then of the query, then the bearer, by whom exporters
 * of traces name their project, then fields of the body.
 */
export function* tokensIn(
  { path, search, headers }: Pick<Arrival, "path" | "search" | "headers">,
  text: string,
): Generator<string, void> {
  yield* path.split("/", 8);
  const query = new URLSearchParams(search);
  for (const name of ["token", "api_key"]) yield* query.getAll(name);
  const [, bearer] = BEARER.exec(headers.get("authorization") ?? "") ?? [];
  if (bearer !== undefined) yield bearer;
  for (const [, token = ""] of text.matchAll(FIELD)) yield token;
}

/** True if the text contains the token as a whole word: `phc_shop` is not found in `phc_shop2`. */
export function hasToken(text: string, token: string): boolean {
  for (let at = text.indexOf(token); at !== -1; at = text.indexOf(token, at + 1)) {
    if (isWhole(text, at, token.length)) return true;
  }
  return false;
}

/** Replaces the token wherever it stands as a whole word. */
export function swapToken(text: string, from: string, to: string): string {
  let swapped = "";
  let done = 0;
  for (let at = text.indexOf(from); at !== -1; at = text.indexOf(from, at + 1)) {
    if (at < done || !isWhole(text, at, from.length)) continue;
    swapped += text.slice(done, at) + to;
    done = at + from.length;
  }
  return swapped + text.slice(done);
}

function isWhole(text: string, at: number, length: number): boolean {
  return !/[\w-]/.test(text[at - 1] ?? "") && !/[\w-]/.test(text[at + length] ?? "");
}
