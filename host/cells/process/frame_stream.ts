/**
 * Frames over a cell's pipes: read with the length checked before the body is kept, written in order without copying
 * large bodies.
 * @module
 */

import { decodeFrame, encodeFrameHeader, type Frame, FrameReader } from "../../../runtime/frames.ts";
import { CellProtocolError } from "./cell_messages.ts";
import { MAX_FRAME_BYTES } from "./cell_limits.ts";

/** The default size of a socket buffer in the kernel. */
const CHUNK_BYTES = 208 * 1024;
/** Parts up to this size are copied into one buffer, which is cheaper than another system call. */
const JOIN_BYTES = 64 * 1024;

/**
 * Hands over each frame as it completes; resolves when the stream ends, rejects with CellProtocolError for a frame out
 * of bounds.
 */
export async function readFrames(stream: ReadableStream<Uint8Array>, onFrame: (frame: Frame) => void): Promise<void> {
  const frames = new FrameReader(MAX_FRAME_BYTES);
  const reader = stream.getReader({ mode: "byob" });
  try {
    // One buffer is used for all reads: a new buffer for each chunk would give the garbage collector more work than
    // all frames do.
    for (let buffer = new ArrayBuffer(CHUNK_BYTES);;) {
      const { value, done } = await reader.read(new Uint8Array(buffer));
      if (done) return;
      for (const bytes of cut(frames, value)) onFrame(decodeFrame(bytes));
      buffer = value.buffer;
    }
  } finally {
    await reader.cancel();
  }
}

function cut(reader: FrameReader, chunk: Uint8Array): Uint8Array<ArrayBuffer>[] {
  try {
    return reader.push(chunk);
  } catch (cause) {
    throw new CellProtocolError(cause instanceof Error ? cause.message : "Cannot read a frame", { cause });
  }
}

/** The writing end. What waits in it is bounded by those who bound the requests in flight. */
export class FrameSink {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;

  constructor(stream: WritableStream<Uint8Array>) {
    this.#writer = stream.getWriter();
  }

  /** Sends one frame whose payload is these parts, one after the other. */
  write(kind: number, id: number, ...parts: Uint8Array[]): void {
    const bytes = parts.reduce((sum, part) => sum + part.byteLength, 0);
    for (const chunk of join([encodeFrameHeader(kind, id, bytes), ...parts])) {
      // When the cell is gone, its end is noticed and dealt with elsewhere.
      this.#writer.write(chunk).catch(() => {});
    }
  }

  /** Closes the pipe: a cell without host ends itself. */
  close(): void {
    this.#writer.close().catch(() => {});
  }

  /** Gives up on what was not written. */
  abort(): void {
    this.#writer.abort().catch(() => {});
  }
}

/** Joins neighbours that are small together; a large part stays as it is. */
function join(parts: Uint8Array[]): Uint8Array[] {
  const joined: Uint8Array[] = [];
  let run: Uint8Array[] = [];
  let size = 0;
  function flush(): void {
    if (size > 0) joined.push(run.length === 1 ? run[0] as Uint8Array : concat(run, size));
    run = [];
    size = 0;
  }
  for (const part of parts) {
    if (size + part.byteLength > JOIN_BYTES) flush();
    run.push(part);
    size += part.byteLength;
  }
  flush();
  return joined;
}

function concat(parts: Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}
