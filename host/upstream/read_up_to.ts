/**
 * Reads a body that may turn out to be larger than we want to hold in memory.
 * @module
 */

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * Resolves with the whole body if it has at most `most` bytes, otherwise with a stream of it. Rejects if the body
 * breaks off before that is known.
 */
export async function readUpTo(body: ReadableStream<Bytes>, most: number): Promise<Bytes | ReadableStream<Bytes>> {
  const reader = body.getReader();
  const pieces: Bytes[] = [];
  for (let size = 0; size <= most;) {
    const { done, value } = await reader.read();
    if (done) return await new Blob(pieces).bytes();
    pieces.push(value);
    size += value.byteLength;
  }
  return new ReadableStream({
    async pull(controller) {
      const first = pieces.shift();
      const { done, value } = first === undefined ? await reader.read() : { done: false, value: first };
      if (done || value === undefined) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}
