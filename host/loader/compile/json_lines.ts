/**
 * JSON values over a pipe, one per line.
 * @module
 */

/** The values as they arrive, until the stream ends. */
export async function* readJsonLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<unknown> {
  // The pieces of an incomplete line. They are joined once, because a line may be megabytes in many chunks.
  let parts: string[] = [];
  for await (const text of stream.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)) {
    const lines = text.split("\n");
    for (const [index, line] of lines.entries()) {
      parts.push(line);
      if (index === lines.length - 1) break;
      yield JSON.parse(parts.join(""));
      parts = [];
    }
  }
}

/** The value as a line of JSON. */
export function jsonLine(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value)}\n`);
}
