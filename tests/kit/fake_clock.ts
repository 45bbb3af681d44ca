/**
 * A clock that stands still until a test moves it.
 * @module
 */

import type { Clock } from "../../host/clock.ts";

interface Sleeper {
  at: number;
  wake(): void;
}

export class FakeClock implements Clock {
  #now: number;
  readonly #sleepers = new Set<Sleeper>();

  /** A Wednesday, half past eleven in UTC, unless told otherwise. */
  constructor(start: string | number = "2026-03-04T11:30:00Z") {
    this.#now = new Date(start).getTime();
  }

  now = (): number => this.#now;

  sleep = (ms: number, signal: AbortSignal): Promise<void> => {
    if (signal.aborted || ms <= 0) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => {
      this.#sleepers.delete(sleeper);
      signal.removeEventListener("abort", wake);
      resolve();
    };
    const sleeper = { at: this.#now + ms, wake };
    this.#sleepers.add(sleeper);
    signal.addEventListener("abort", wake);
    return promise;
  };

  /** Milliseconds until the first sleeper wakes; Infinity when nobody sleeps. */
  get untilNext(): number {
    return Math.min(...Array.from(this.#sleepers, ({ at }) => at - this.#now));
  }

  /** Moves on without waking anybody, as the clock of a machine that was asleep does. */
  jump(ms: number): void {
    this.#now += ms;
  }

  /** Moves on, waking each sleeper at its time and letting it run before the next one. */
  async advance(ms: number): Promise<void> {
    // What the test waited for may have been followed by a sleep that is about to begin.
    await settled();
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#sleepers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#now = Math.max(this.#now, due.at);
      due.wake();
      await settled();
    }
    this.#now = end;
    await settled();
  }
}

/** Lets what was just woken run, up to the next thing it waits for outside this process. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}
