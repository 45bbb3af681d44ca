/**
 * Tells text, in which a token may be replaced, from binary bodies such as protobuf, whose fields say how long they
 * are.
 * @module
 */

/** Without `ignoreBOM` a byte-order mark would be missing when the text is encoded again. */
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text whose UTF-8 these bytes are; null if they are not the UTF-8 of any text. */
export function decodeText(bytes: Uint8Array): string | null {
  if (!bytes.every(isOfText)) return null;
  try {
    return strict.decode(bytes);
  } catch {
    return null;
  }
}

/** Text has no control characters but tabs and ends of lines; short protobuf messages are often UTF-8 with others. */
function isOfText(byte: number): boolean {
  return byte >= 0x20 || byte >= 0x09 && byte <= 0x0d;
}
