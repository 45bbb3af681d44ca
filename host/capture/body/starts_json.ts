/**
 * Distinguishes JSON from packed payloads by the first character.
 * @module
 */

const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
const WHITE_SPACE = [0x20, 0x0a, 0x0d, 0x09];

/** Whether the first character that is not white space opens an object or an array. */
export function startsJson(data: Uint8Array | string): boolean {
  const code = firstCode(data);
  return code === OPEN_BRACE || code === OPEN_BRACKET;
}

/** The first character that is not white space, or undefined when there is none. */
export function firstCode(data: Uint8Array | string): number | undefined {
  for (let i = 0; i < data.length; i++) {
    const code = typeof data === "string" ? data.charCodeAt(i) : data[i];
    if (code !== undefined && !WHITE_SPACE.includes(code)) return code;
  }
  return undefined;
}
