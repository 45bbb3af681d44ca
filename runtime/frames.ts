/**
 * Encodes and decodes frames and batches, as laid out in protocol.ts. Both ends of a cell's connection use it.
 * @module
 */

import { FRAME_HEADER_BYTES } from "./protocol.ts";

const { parse, stringify } = JSON;

/** A frame without its length, as it passes between a cell's main thread and its Worker. */
export interface Frame {
  kind: number;
  id: number;
  payload: Uint8Array<ArrayBuffer>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The kind and id before the payload. */
const PREFIX_BYTES = FRAME_HEADER_BYTES - 4;

/** Encodes the length, kind and id of a frame whose payload is sent separately. */
export function encodeFrameHeader(kind: number, id: number, payloadBytes: number): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(FRAME_HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint32(0, payloadBytes + PREFIX_BYTES, true);
  view.setUint8(4, kind);
  view.setUint32(5, id, true);
  return header;
}

/** Encodes a whole frame into one buffer. */
export function encodeFrame(kind: number, id: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + payload.byteLength);
  frame.set(encodeFrameHeader(kind, id, payload.byteLength));
  frame.set(payload, FRAME_HEADER_BYTES);
  return frame;
}

/** Encodes a whole frame whose payload is a JSON value. */
export function encodeJsonFrame(kind: number, id: number, value: unknown): Uint8Array<ArrayBuffer> {
  return encodeFrame(kind, id, encoder.encode(stringify(value)));
}

/** Decodes a frame, including its length. The result shares the given bytes. */
export function decodeFrame(bytes: Uint8Array<ArrayBuffer>): Frame {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { kind: view.getUint8(4), id: view.getUint32(5, true), payload: bytes.subarray(FRAME_HEADER_BYTES) };
}

/**
 * Encodes a whole frame with the payload `u32 header length | header JSON | body`, as Batch and BatchResult have it.
 */
export function encodeBatchFrame(kind: number, id: number, header: unknown, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = encoder.encode(stringify(header));
  const payloadBytes = 4 + head.byteLength + body.byteLength;
  const frame = new Uint8Array(FRAME_HEADER_BYTES + payloadBytes);
  frame.set(encodeFrameHeader(kind, id, payloadBytes));
  new DataView(frame.buffer).setUint32(FRAME_HEADER_BYTES, head.byteLength, true);
  frame.set(head, FRAME_HEADER_BYTES + 4);
  frame.set(body, FRAME_HEADER_BYTES + 4 + head.byteLength);
  return frame;
}

/**
 * Splits the payload of a batch into its two parts. The header may be any JSON that the other side wrote. Throws if the
 * payload does not have this form.
 */
export function decodeBatch(payload: Uint8Array<ArrayBuffer>): { header: unknown; body: Uint8Array<ArrayBuffer> } {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const length = payload.byteLength < 4 ? Infinity : view.getUint32(0, true);
  if (4 + length > payload.byteLength) {
    throw new RangeError(
      `Cannot read a batch: its header takes ${length} bytes, and the payload has ${payload.byteLength}`,
    );
  }
  return {
    header: parse(decoder.decode(payload.subarray(4, 4 + length))),
    body: payload.subarray(4 + length),
  };
}

/** Splits a stream of bytes into frames. */
export class FrameReader {
  readonly #maxBytes: number;
  #header = new Uint8Array(4);
  #headerFilled = 0;
  #frame: Uint8Array<ArrayBuffer> | null = null;
  #filled = 0;

  /** A frame that announces a greater length is refused before any of it is stored. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Takes the next bytes and returns every frame that they complete, each in a buffer of its own, so that it can be
   * transferred. Throws if a length is out of bounds.
   */
  push(chunk: Uint8Array): Uint8Array<ArrayBuffer>[] {
    const frames: Uint8Array<ArrayBuffer>[] = [];
    let at = 0;
    while (at < chunk.byteLength) {
      if (this.#frame === null) {
        const take = Math.min(4 - this.#headerFilled, chunk.byteLength - at);
        this.#header.set(chunk.subarray(at, at + take), this.#headerFilled);
        this.#headerFilled += take;
        at += take;
        if (this.#headerFilled < 4) break;
        this.#begin();
      }
      const frame = this.#frame!;
      const take = Math.min(frame.byteLength - this.#filled, chunk.byteLength - at);
      frame.set(chunk.subarray(at, at + take), this.#filled);
      this.#filled += take;
      at += take;
      if (this.#filled === frame.byteLength) {
        frames.push(frame);
        this.#frame = null;
        this.#headerFilled = 0;
      }
    }
    return frames;
  }

  #begin(): void {
    const length = new DataView(this.#header.buffer).getUint32(0, true);
    if (length < PREFIX_BYTES || length + 4 > this.#maxBytes) {
      throw new RangeError(
        `Cannot read a frame of ${length} bytes: expected ${PREFIX_BYTES} to ${this.#maxBytes - 4}`,
      );
    }
    this.#frame = new Uint8Array(4 + length);
    this.#frame.set(this.#header);
    this.#filled = 4;
  }
}
