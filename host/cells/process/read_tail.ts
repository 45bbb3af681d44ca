/**
 * Keeps the end of a stream that may be endless.
 * @module
 */

const TAIL_CHARACTERS = 8 * 1024;

/** Reads to the end and resolves with the last of the text. */
export async function readTail(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) text = (text + decoder.decode(chunk, { stream: true })).slice(-TAIL_CHARACTERS);
  return text;
}
