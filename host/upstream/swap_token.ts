/**
 * Where a project's token here is not its key there: the one is put in the other's place, on the way out and back.
 * @module
 */

import { decompress, isGzip } from "../capture/body/decompress.ts";

/** Bodies in which a token is looked for are no larger. */
export const MOST_BYTES = 4 * 1024 * 1024;

/** A body with the token replaced; what is not text, or does not hold it, stays as it is. */
export async function swapInBody(bytes: Uint8Array, from: string, to: string): Promise<Uint8Array> {
  const plain = isGzip(bytes) ? await decompress(bytes, "gzip", MOST_BYTES) : bytes;
  const text = new TextDecoder().decode(plain);
  // posthog-js sends JSON as base64 in a form when it could not pack it otherwise.
  const form = /(?:^|&)data=([^&]+)/.exec(text);
  if (form !== null && !text.includes(from)) {
    const inner = atobOrNull(decodeURIComponent((form[1] as string).replaceAll("+", " ")));
    if (inner === null || !inner.includes(from)) return bytes;
    return encode(text.replace(form[1] as string, encodeURIComponent(btoa(inner.replaceAll(from, to)))));
  }
  return text.includes(from) ? encode(text.replaceAll(from, to)) : bytes;
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function atobOrNull(text: string): string | null {
  try {
    return atob(text);
  } catch {
    return null;
  }
}
