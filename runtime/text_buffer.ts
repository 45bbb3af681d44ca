/**
 * Texts as UTF-8 in one buffer, one after the other: encoding each into a buffer of its own costs as much as writing its JSON.
 * @module
 */

const encoder = new TextEncoder();

/** Most bytes that UTF-8 takes for a UTF-16 unit. */
const BYTES_PER_UNIT = 3;

export class TextBuffer {
  #bytes: Uint8Array<ArrayBuffer>;
  #used = 0;

  /** Grows when more than `capacity` bytes are written. */
  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** Bytes written. */
  get used(): number {
    return this.#used;
  }

  get capacity(): number {
    return this.#bytes.byteLength;
  }

  /** Adds a text; returns how many bytes it takes. */
  write(text: string): number {
    if (this.capacity - this.#used < text.length * BYTES_PER_UNIT) this.#grow(text.length * BYTES_PER_UNIT);
    const { written } = encoder.encodeInto(text, this.#bytes.subarray(this.#used));
    this.#used += written;
    return written;
  }

  /** What was written, no copy. */
  written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#used);
  }

  /** Writes from the start again, over what {@linkcode written} gave out. */
  clear(): void {
    this.#used = 0;
  }

  #grow(more: number): void {
    const larger = new Uint8Array(Math.max(this.capacity * 2, this.#used + more));
    larger.set(this.written());
    this.#bytes = larger;
  }
}
