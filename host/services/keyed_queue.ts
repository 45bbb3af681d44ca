/**
 * Carries out works of one key in the order in which they were given, and works of different keys at once.
 * @module
 */

/** Resolves or rejects with the work, which begins when all works of this key that were given before have ended. */
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
