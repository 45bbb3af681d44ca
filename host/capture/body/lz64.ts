/**
 * Decompresses the output of `LZString.compressToBase64`. The result is bounded, because n codes can expand to n²
 * characters.
 * @module
 */

import { malformed, tooLarge } from "../capture_error.ts";
import { createPacer, giveWay } from "./give_way.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const VALUE_OF = new Map(Array.from(ALPHABET, (char, value) => [char.charCodeAt(0), value]));
const BITS_PER_CHARACTER = 6;

/** The first three codes: a new 8-bit character, a new 16-bit character, and the end. */
const NEW_8 = 0;
const NEW_16 = 1;
const END = 2;

/**
 * The decompressed text. Refused when it is longer than `maxLength` characters or the input is not LZString's. Yields
 * the thread now and then.
 */
export async function decompressLz64(input: string, maxLength: number): Promise<string> {
  const mustGiveWay = createPacer();
  const readBits = createBitReader(input.replaceAll(" ", "+").replace(/=+$/, ""));
  // The numbers 0 to 2 are reserved for the codes above.
  const dictionary: string[] = ["", "", ""];
  const parts: string[] = [];
  let length = 0;
  let width = 2;
  let previous = "";

  while (true) {
    if (mustGiveWay()) await giveWay();
    const code = readBits(width);
    if (code === END) {
      if (length === 0) throw broken();
      return parts.join("");
    }
    let entry = dictionary[code];
    if (code === NEW_8 || code === NEW_16) {
      entry = String.fromCharCode(readBits(code === NEW_8 ? 8 : 16));
      dictionary.push(entry);
      width = widthFor(dictionary.length);
    } else if (code === dictionary.length && previous !== "") {
      entry = previous + previous.charAt(0);
    }
    if (entry === undefined || entry === "") throw broken();
    length += entry.length;
    if (length > maxLength) {
      throw tooLarge(`Request body too large: more than ${maxLength} characters when decompressed.`);
    }
    parts.push(entry);
    if (previous !== "") {
      dictionary.push(previous + entry.charAt(0));
      width = widthFor(dictionary.length);
    }
    previous = entry;
  }
}

/** The width of the next code in bits, for a dictionary of so many entries. */
function widthFor(entries: number): number {
  return 32 - Math.clz32(entries);
}

/** LZString writes numbers lowest bit first, and fills each character starting from its highest bit. */
function createBitReader(text: string): (count: number) => number {
  let index = 0;
  let value = 0;
  let left = 0;
  return function readBits(count) {
    let bits = 0;
    for (let i = 0; i < count; i++) {
      if (left === 0) {
        const next = VALUE_OF.get(text.charCodeAt(index++));
        if (next === undefined) throw broken();
        value = next;
        left = BITS_PER_CHARACTER;
      }
      left--;
      bits |= (value >> left & 1) << i;
    }
    return bits;
  };
}

function broken(): Error {
  return malformed("Failed to decompress data.");
}
