/**
 * Writes frames to a pipe in order, several per system call when they come fast.
 * @module
 */

import { freeBuffer } from "../../runtime/free_buffer.ts";

interface Sink {
  write(bytes: Uint8Array): Promise<number>;
}

/** Frames larger than this are written alone instead of being copied together. */
const JOIN_BYTES = 64 * 1024;

/** A queue in front of a pipe. Whoever bounds the requests in flight bounds its length as well. */
export class FrameWriter {
  readonly #sink: Sink;
  readonly #onClosed: () => void;
  #waiting: Uint8Array<ArrayBuffer>[] = [];
  #writing = false;

  constructor(sink: Sink, onClosed: () => void) {
    this.#sink = sink;
    this.#onClosed = onClosed;
  }

  /** Takes ownership of the frame: the caller must not use its buffer afterwards. */
  write(frame: Uint8Array<ArrayBuffer>): void {
    this.#waiting.push(frame);
    if (this.#writing) return;
    this.#writing = true;
    this.#drain().catch(this.#onClosed);
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const frames = this.#waiting;
      this.#waiting = [];
      for (const bytes of join(frames)) {
        for (let at = 0; at < bytes.byteLength;) at += await this.#sink.write(at === 0 ? bytes : bytes.subarray(at));
        freeBuffer(bytes.buffer);
      }
    }
    this.#writing = false;
  }
}

function join(frames: Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer>[] {
  const joined: Uint8Array<ArrayBuffer>[] = [];
  let run: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  const close = () => {
    if (run.length === 1) joined.push(run[0]!);
    if (run.length > 1) {
      const bytes = new Uint8Array(size);
      let at = 0;
      for (const frame of run) {
        bytes.set(frame, at);
        at += frame.byteLength;
      }
      joined.push(bytes);
    }
    run = [];
    size = 0;
  };
  for (const frame of frames) {
    if (size + frame.byteLength > JOIN_BYTES) close();
    run.push(frame);
    size += frame.byteLength;
  }
  close();
  return joined;
}
