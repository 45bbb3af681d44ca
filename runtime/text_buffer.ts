/**
 * Encodes many texts as UTF-8 into one buffer. Encoding each text into a buffer of its own costs as much as writing its
 * JSON.
 * @module
 */

const encoder = new TextEncoder();

/** The most bytes that one UTF-16 unit can take in UTF-8. */
const BYTES_PER_UNIT = 3;

export class TextBuffer {
  #bytes: Uint8Array<ArrayBuffer>;
  #used = 0;

  /** The buffer grows when more than `capacity` bytes are written. */
  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** The number of bytes written. */
  get used(): number {
    return this.#used;
  }

  get capacity(): number {
    return this.#bytes.byteLength;
  }

  /** Appends a text; returns how many bytes it takes. */
  write(text: string): number {
    if (this.capacity - this.#used < text.length * BYTES_PER_UNIT) this.#grow(text.length * BYTES_PER_UNIT);
    const { written } = encoder.encodeInto(text, this.#bytes.subarray(this.#used));
    this.#used += written;
    return written;
  }

  /** A view of what was written, not a copy. */
  written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#used);
  }

  /** Starts over, and overwrites what {@linkcode written} returned. */
  clear(): void {
    this.#used = 0;
  }

  #grow(more: number): void {
    const larger = new Uint8Array(Math.max(this.capacity * 2, this.#used + more));
    larger.set(this.written());
    this.#bytes = larger;
  }
}
