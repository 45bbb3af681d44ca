/**
 * Bounds how deeply JSON may be nested. JSON is parsed with a loop but often written with recursion, so a value that
 * was parsed from a few kilobytes of text may be too deep to be written again, here, in a sandbox or in a database.
 * @module
 */

/**
 * How many levels of objects and arrays an event may have. Recordings of deep pages have some hundreds; problems begin
 * at some thousands.
 */
export const MAX_NESTING = 1_000;

/** True if the JSON text is nested more deeply than that. It takes almost no time for texts with fewer brackets. */
export function isNestedTooDeeply(json: string): boolean {
  return (hasMoreThan(json, "[", MAX_NESTING / 2) || hasMoreThan(json, "{", MAX_NESTING / 2)) &&
    depthOf(json) > MAX_NESTING;
}

function hasMoreThan(text: string, char: string, count: number): boolean {
  let left = count;
  for (let at = text.indexOf(char); at >= 0; at = text.indexOf(char, at + 1)) {
    if (--left < 0) return true;
  }
  return false;
}

function depthOf(json: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < json.length; i++) {
    const code = json.charCodeAt(i);
    if (inString) {
      if (code === BACKSLASH) i++;
      else if (code === QUOTE) inString = false;
    } else if (code === QUOTE) inString = true;
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) deepest = Math.max(deepest, ++depth);
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth--;
  }
  return deepest;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
