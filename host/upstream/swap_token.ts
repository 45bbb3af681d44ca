/**
 * Where a project's token here is not its key there: the one is put in the other's place, on the way out and back.
 * @module
 */

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
