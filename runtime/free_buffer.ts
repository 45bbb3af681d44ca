/**
 * Giving memory back at once that the collector would find later.
 * @module
 */

const { transfer } = ArrayBuffer.prototype;

/**
 * Ends the buffer's life: every view of it is empty from now on. For large ones that come and go fast, such as frames, since the engine
 * runs a whole collection for every 64 MB of them, and hands out cold memory meanwhile.
 */
export function freeBuffer(buffer: ArrayBuffer): void {
  Reflect.apply(transfer, buffer, [0]);
}
