/**
 * Runs work of one key in order, and work of different keys concurrently.
 * @module
 */

/** Runs `work` after all earlier work of the same key has ended; settles as the work does. */
export type KeyedQueue = <T>(key: string, work: () => Promise<T>) => Promise<T>;

export function createKeyedQueue(): KeyedQueue {
  const last = new Map<string, Promise<unknown>>();
  return (key, work) => {
    const ahead = last.get(key);
    const mine = ahead === undefined ? work() : ahead.then(work, work);
    last.set(key, mine);
    const forget = () => {
      if (last.get(key) === mine) last.delete(key);
    };
    mine.then(forget, forget);
    return mine;
  };
}
