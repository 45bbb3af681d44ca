/**
 * Keeps batches in order where several are in flight. Each batch takes a turn when it starts, and passes a gate only
 * after the batch before it has passed.
 * @module
 */

export interface Turn {
  /** Resolves when every earlier turn has passed. */
  mine: Promise<void>;
  /** Lets the next one go; calling it again does nothing. */
  pass(): void;
}

export interface Gate {
  takeTurn(): Turn;
}

export function createGate(): Gate {
  let last = Promise.resolve();
  return {
    takeTurn() {
      const mine = last;
      const passed = Promise.withResolvers<void>();
      // A turn that is passed before it came must not let the next one overtake those before it.
      last = passed.promise;
      return { mine, pass: () => passed.resolve(mine) };
    },
  };
}
