/**
 * What the cell's main thread lets out of the Worker: known kinds of frames, sizes within bounds, and no more
 * unanswered or unsolicited frames than agreed. The Worker keeps these bounds by itself; when one is broken its own
 * guards must have been broken, so the cell ends.
 * @module
 */

import { FRAME_HEADER_BYTES, FrameKind, MAX_SERVICE_REQUESTS } from "../../runtime/protocol.ts";

/** The sandbox sent what it never sends. */
export class ProtocolViolation extends Error {
  override name = "ProtocolViolation";
}

/**
 * Log and Alive frames: the sandbox sends at most 20 of the one and 10 of the other per second, and an Alive when it
 * takes up a request.
 */
const UNASKED_PER_SECOND = 100;
const FROM_SANDBOX: readonly number[] = [
  FrameKind.Result,
  FrameKind.BatchResult,
  FrameKind.ServiceRequest,
  FrameKind.Log,
  FrameKind.Alive,
];

/** Checks frames on their way out. */
export class FrameGuard {
  readonly #limits: { batchResultBytes: number; frameBytes: number };
  #requests = 0;
  #unasked = 0;
  #windowStart = 0;

  constructor(limits: { batchResultBytes: number; frameBytes: number }) {
    this.#limits = limits;
  }

  /** The frame's bytes, or ProtocolViolation. */
  checkFromSandbox(data: unknown): Uint8Array<ArrayBuffer> {
    if (!(data instanceof ArrayBuffer)) throw new ProtocolViolation("Cannot forward a message that is no frame");
    const size = data.byteLength;
    if (size < FRAME_HEADER_BYTES) throw new ProtocolViolation(`Cannot forward a frame of ${size} bytes`);
    const view = new DataView(data);
    const kind = view.getUint8(4);
    if (view.getUint32(0, true) + 4 !== size) throw new ProtocolViolation("Cannot forward a frame of a wrong length");
    if (!FROM_SANDBOX.includes(kind)) throw new ProtocolViolation(`Cannot forward a frame of kind ${kind}`);
    const limit = kind === FrameKind.BatchResult ? this.#limits.batchResultBytes : this.#limits.frameBytes;
    if (size > limit) {
      throw new ProtocolViolation(`Cannot forward a frame of ${size} bytes: expected at most ${limit}`);
    }
    this.#count(kind);
    return new Uint8Array(data);
  }

  /** The host answered a service request: the sandbox may send another. */
  serviceAnswered(): void {
    if (this.#requests > 0) this.#requests--;
  }

  /** The host sent a request: the sandbox may say that it took it up. */
  requestSent(): void {
    if (this.#unasked > 0) this.#unasked--;
  }

  #count(kind: number): void {
    if (kind === FrameKind.ServiceRequest && ++this.#requests > MAX_SERVICE_REQUESTS) {
      throw new ProtocolViolation(`Cannot forward more than ${MAX_SERVICE_REQUESTS} service requests at a time`);
    }
    if (kind !== FrameKind.Log && kind !== FrameKind.Alive) return;
    const now = performance.now();
    if (now - this.#windowStart > 1000) {
      this.#windowStart = now;
      this.#unasked = 0;
    }
    if (++this.#unasked > UNASKED_PER_SECOND) {
      throw new ProtocolViolation(`Cannot forward more than ${UNASKED_PER_SECOND} unasked frames a second`);
    }
  }
}
