/**
 * Bounds how many bytes of large requests are processed at a time. Other large requests wait before their bodies are
 * read or decompressed.
 * @module
 */

/** A share of the bound. Disposing of it returns it. */
export interface Share extends Disposable {
  /** Returns everything beyond so many bytes. */
  shrink(bytes: number): void;
}

/** Resolves, in the order of the calls, when there is room for so many bytes. */
export type ByteGate = (bytes: number) => Promise<Share>;

/** A gate for so many bytes in total; a larger share is cut to that size. */
export function createByteGate(capacity: number): ByteGate {
  let free = capacity;
  const waiting: { bytes: number; enter: () => void }[] = [];

  function giveBack(bytes: number): void {
    free += bytes;
    for (let first = waiting[0]; first && first.bytes <= free; first = waiting[0]) {
      waiting.shift();
      free -= first.bytes;
      first.enter();
    }
  }

  return async (wanted) => {
    let held = Math.min(wanted, capacity);
    if (waiting.length > 0 || held > free) {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push({ bytes: held, enter: resolve });
      await promise;
    } else {
      free -= held;
    }
    function shrink(bytes: number): void {
      const less = held - Math.min(bytes, held);
      held -= less;
      giveBack(less);
    }
    return { shrink, [Symbol.dispose]: () => shrink(0) };
  };
}

/** What one request holds of a gate: nothing until it asks. */
export interface Admission extends Share {
  /**
   * Waits for room. Only the first call counts: a request that waited for more while holding some could deadlock with
   * itself.
   */
  admit(bytes: number): Promise<void>;
}

export function createAdmission(gate: ByteGate): Admission {
  let share: Share | undefined;
  return {
    async admit(bytes) {
      share ??= await gate(bytes);
    },
    shrink: (bytes) => share?.shrink(bytes),
    [Symbol.dispose]: () => share?.[Symbol.dispose](),
  };
}
