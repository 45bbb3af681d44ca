/**
 * Distinguishes JSON from packed payloads by the first character.
 * @module
 */

const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
/** What begins with more white space than this is not looked at further: it is not JSON of any SDK. */
const MAX_WHITE_SPACE = 64 * 1024;

/** Whether the first character that is not white space opens an object or an array. */
export function startsJson(data: Uint8Array | string): boolean {
  const code = firstCode(data);
  return code === OPEN_BRACE || code === OPEN_BRACKET;
}

/** The first character that is not white space, or undefined when there is none nearby. */
export function firstCode(data: Uint8Array | string): number | undefined {
  const most = Math.min(data.length, MAX_WHITE_SPACE);
  for (let i = 0; i < most; i++) {
    const code = typeof data === "string" ? data.charCodeAt(i) : data[i] as number;
    if (!isWhiteSpace(code)) return code;
  }
  return undefined;
}

function isWhiteSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}
