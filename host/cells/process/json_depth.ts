/**
 * How deep a JSON text is nested and how many values it has, without parsing it: a text of a few megabytes can hold so
 * many that parsing it takes a second.
 * @module
 */

const [QUOTE, BACKSLASH, COMMA, OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [...'"\\,[]{}'].map((char) =>
  char.charCodeAt(0)
);

export interface JsonLimits {
  levels: number;
  values: number;
}

/** Which of the limits the text goes beyond first, or null. Objects and arrays count as values too. */
export function findExcess({ levels, values }: JsonLimits, json: Uint8Array): keyof JsonLimits | null {
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
