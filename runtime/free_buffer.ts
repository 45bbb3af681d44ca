/**
 * Frees memory at once that the garbage collector would free later.
 * @module
 */

const { transfer } = ArrayBuffer.prototype;

/**
 * Detaches the buffer, which makes every view of it empty. This is meant for large, short-lived buffers such as frames:
 * the engine runs a full collection for every 64 MB of them, and until then hands out memory that is not in the
 * processor's caches.
 */
export function freeBuffer(buffer: ArrayBuffer): void {
  Reflect.apply(transfer, buffer, [0]);
}
