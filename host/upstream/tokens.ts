/**
 * Tokens in requests and answers: which one a request has, and, where a project's token here is not its key there, the one in the
 * other's place, on the way out and back.
 * @module
 */

/** Fields that SDKs put a token in, in JSON and in forms. */
const FIELD = /(?:"(?:token|api_key|\$token)"\s*:\s*"|(?:^|&)(?:token|api_key)=)([\x21\x23-\x25\x27-\x7e]{1,64})/g;

/** What may be a token: parts of the path, then of the query, then fields of the body. */
export function* tokensIn({ path, search }: { path: string; search: string }, text: string): Generator<string, void> {
  yield* path.split("/", 8);
  const query = new URLSearchParams(search);
  for (const name of ["token", "api_key"]) yield* query.getAll(name);
  for (const [, token = ""] of text.matchAll(FIELD)) yield token;
}

/** Whether the text has the token as a whole word: `phc_shop` is not in `phc_shop2`. */
export function hasToken(text: string, token: string): boolean {
  for (let at = text.indexOf(token); at !== -1; at = text.indexOf(token, at + 1)) {
    if (isWhole(text, at, token.length)) return true;
  }
  return false;
}

/** The text with the token replaced wherever it stands as a whole word. */
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
