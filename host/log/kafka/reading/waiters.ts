/**
 * Readers that wait for records of their project.
 * @module
 */

import type { Topic } from "../../event_log.ts";

export class Waiters {
  readonly #waiting = new Map<string, Set<() => void>>();

  /**
   * `promise` resolves when a record of the project arrives or all readers are woken, and rejects with the signal's
   * reason.
   */
  wait(topic: Topic, project: number, signal: AbortSignal): { promise: Promise<void>; cancel(): void } {
    const key = `${topic} ${project}`;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    promise.catch(() => {});
    const set = this.#waiting.get(key) ?? new Set();
    const wake = () => resolve();
    const abort = () => reject(signal.reason);
    set.add(wake);
    this.#waiting.set(key, set);
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    return {
      promise,
      cancel: () => {
        set.delete(wake);
        if (set.size === 0 && this.#waiting.get(key) === set) this.#waiting.delete(key);
        signal.removeEventListener("abort", abort);
      },
    };
  }

  wake(topic: Topic, project: number): void {
    for (const wake of this.#waiting.get(`${topic} ${project}`) ?? []) wake();
  }

  wakeAll(): void {
    for (const set of this.#waiting.values()) for (const wake of set) wake();
  }
}
