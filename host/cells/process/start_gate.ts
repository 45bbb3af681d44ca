/**
 * Bounds how many cells start at a time. If all started at once, each would take as long as all together, and the
 * last ones would look stuck.
 * @module
 */

export interface StartGate {
  /** Resolves when it is the caller's turn, first come, first served. The returned function ends the turn. */
  enter(): Promise<() => void>;
}

export function createStartGate(width: number): StartGate {
  const waiting: (() => void)[] = [];
  let inside = 0;

  function leave(): void {
    inside--;
    waiting.shift()?.();
  }

  return {
    async enter() {
      while (inside >= width) await new Promise<void>((resolve) => waiting.push(resolve));
      inside++;
      let left = false;
      return () => {
        if (!left) leave();
        left = true;
      };
    },
  };
}
