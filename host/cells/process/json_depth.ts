/**
 * How deep a JSON text is nested and how many values it has, without parsing it: a text of a few megabytes can hold so
 * many that parsing it takes a second.
 * @module
 */

import { Buffer } from "node:buffer";

const [QUOTE, BACKSLASH, COMMA, OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [...'"\\,[]{}'].map((char) =>
  char.charCodeAt(0)
);

export interface JsonLimits {
  levels: number;
  values: number;
}

/** Which of the limits the text goes beyond first, or null. Objects and arrays count as values too. */
export function findExcess(limits: JsonLimits, json: Uint8Array): keyof JsonLimits | null {
  return isWithin(limits, json) ? null : lookAtEach(limits, json);
}

/**
 * True when there are too few bytes for so many values, and too few brackets for so many levels: true of nearly every
 * event. Counting brackets in a string takes a fraction of the time of a look at each byte.
 */
function isWithin({ levels, values }: JsonLimits, json: Uint8Array): boolean {
  if (json.byteLength >= values) return false;
  const text = Buffer.from(json.buffer, json.byteOffset, json.byteLength).toString("latin1");
  let left = levels;
  for (const bracket of ["[", "{"]) {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
      if (--left < 0) return false;
    }
  }
  return true;
}

function lookAtEach({ levels, values }: JsonLimits, json: Uint8Array): keyof JsonLimits | null {
  let depth = 0;
  let count = 1;
  let quoted = false;
  for (let at = 0; at < json.byteLength; at++) {
    const byte = json[at];
    if (quoted) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) quoted = false;
    } else if (byte === QUOTE) quoted = true;
    else if (byte === COMMA) {
      if (++count > values) return "values";
    } else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
      if (++depth > levels) return "levels";
      if (++count > values) return "values";
    } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) depth--;
  }
  return null;
}

/** True when objects and arrays are nested more than `limit` levels. */
export function isDeeperThan(limit: number, json: Uint8Array): boolean {
  return findExcess({ levels: limit, values: Infinity }, json) !== null;
}
