/**
 * Reading a body that may be larger than one wants to hold.
 * @module
 */

type Bytes = Uint8Array<ArrayBuffer>;

/** All of it when it has no more than `most` bytes, else a stream of it. Rejects when it breaks off before that is known. */
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
