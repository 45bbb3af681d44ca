/**
 * Parses JSON as SDKs write it, with separately encoded surrogates, with numbers that JSON does not have, and with
 * numbers for ids that JavaScript cannot hold.
 * @module
 */

import { malformed } from "../capture_error.ts";

const utf8 = new TextDecoder();

/** Decodes UTF-8. Surrogates that some SDKs encode separately are joined again. */
export function decodeText(bytes: Uint8Array): string {
  const text = utf8.decode(bytes);
  return text.includes("\ufffd") && hasEncodedSurrogate(bytes) ? decodeSurrogates(bytes) : text;
}

/**
 * Parses JSON; NaN and Infinity become null, as they did in PostHog, and a `distinct_id` that is too long for a
 * JavaScript number becomes a string.
 */
export function parseJson(json: string): unknown {
  const text = quoteLongIds(json);
  try {
    return JSON.parse(text);
  } catch (error) {
    if (/NaN|Infinity/.test(text)) {
      try {
        return JSON.parse(withoutNaN(text));
      } catch {
        // The first error refers to the text that was sent.
      }
    }
    throw malformed(`Invalid JSON: ${error instanceof Error ? error.message : error}`);
  }
}

/**
 * Puts ids of more digits than a number can hold in quotes: rounded, the ids of two people could become the same. A
 * quote inside a string has a backslash before it, so only keys are found.
 */
function quoteLongIds(json: string): string {
  return json.replace(
    /((?<!\\)"\$?(?:anon_)?distinct_id"\s*:\s*)(-?[1-9]\d{15,})(?=\s*[,}])/g,
    (found, key, digits) => Number.isSafeInteger(Number(digits)) ? found : `${key}"${digits}"`,
  );
}

/** Replaces NaN, Infinity and -Infinity outside strings by null. */
function withoutNaN(text: string): string {
  let result = "";
  let at = 0;
  while (at < text.length) {
    const quote = text.indexOf('"', at);
    const end = quote < 0 ? text.length : quote;
    result += text.slice(at, end).replace(/-?\b(?:NaN|Infinity)\b/g, "null");
    at = quote < 0 ? end : endOfString(text, quote);
    result += text.slice(end, at);
  }
  return result;
}

/** The index after the string that begins at the quote. */
function endOfString(text: string, quote: number): number {
  for (let i = quote + 1; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === '"') return i + 1;
  }
  return text.length;
}

function hasEncodedSurrogate(bytes: Uint8Array): boolean {
  for (let at = bytes.indexOf(0xed); at >= 0; at = bytes.indexOf(0xed, at + 1)) {
    if ((bytes[at + 1] ?? 0) >= 0xa0) return true;
  }
  return false;
}

/** In proportion to the bytes: pairs become the characters that they stand for, and single ones JSON's escapes. */
function decodeSurrogates(bytes: Uint8Array): string {
  const joined = new Uint8Array(2 * bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length;) {
    const half = surrogateAt(bytes, at);
    const other = half >= FIRST_HIGH && half < FIRST_LOW ? surrogateAt(bytes, at + 3) : 0;
    if (half === 0) joined[length++] = bytes[at++] as number;
    else if (other >= FIRST_LOW) {
      const code = 0x10000 + ((half - FIRST_HIGH) << 10) + (other - FIRST_LOW);
      joined[length++] = 0xf0 | code >> 18;
      for (const shift of [12, 6, 0]) joined[length++] = 0x80 | code >> shift & 0x3f;
      at += 6;
    } else {
      joined[length++] = BACKSLASH;
      joined[length++] = LETTER_U;
      for (const shift of [12, 8, 4, 0]) joined[length++] = HEX.charCodeAt(half >> shift & 0xf);
      at += 3;
    }
  }
  return utf8.decode(joined.subarray(0, length));
}

const FIRST_HIGH = 0xd800;
const FIRST_LOW = 0xdc00;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;
const HEX = "0123456789abcdef";

/** The surrogate that is encoded here, or 0. */
function surrogateAt(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== 0xed) return 0;
  const second = bytes[at + 1] ?? 0;
  const third = bytes[at + 2] ?? 0;
  if (second < 0xa0 || second > 0xbf || third < 0x80 || third > 0xbf) return 0;
  return 0xd000 | (second & 0x3f) << 6 | third & 0x3f;
}
