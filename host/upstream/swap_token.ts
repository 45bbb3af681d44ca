/**
 * Where a project's token here is not its key there: the one is put in the other's place, on the way out and back.
 * @module
 */

import { decompress, isGzip } from "../capture/body/decompress.ts";
import { MOST_READ_BYTES } from "./read_sent.ts";

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

/** A body with the token replaced, unpacked then; the same bytes when it is not text, or does not hold it. */
export async function swapInBody(bytes: Uint8Array, from: string, to: string): Promise<Uint8Array> {
  const plain = isGzip(bytes) ? await decompress(bytes, "gzip", MOST_READ_BYTES).catch(() => bytes) : bytes;
  const text = new TextDecoder().decode(plain);
  if (hasToken(text, from)) return new TextEncoder().encode(swapToken(text, from, to));
  // posthog-js sends JSON as base64 in a form when it could not pack it otherwise.
  const data = /(?:^|&)data=([^&]+)/.exec(text)?.[1];
  const inner = data === undefined ? null : decodeBase64(data);
  if (data === undefined || inner === null || !hasToken(inner, from)) return bytes;
  return new TextEncoder().encode(text.replace(data, () => encodeURIComponent(btoa(swapToken(inner, from, to)))));
}

/** Null when it is no base64 in a form. */
function decodeBase64(field: string): string | null {
  try {
    return atob(decodeURIComponent(field.replaceAll("+", " ")));
  } catch {
    return null;
  }
}
