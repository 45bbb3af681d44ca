/**
 * Counts what may be used up at a rate, with an allowance for bursts.
 * @module
 */

export interface TokenBucket {
  /** Milliseconds until `cost` may be used; 0 when it may be now. Takes nothing. */
  waitFor(cost: number): number;
  /** Uses `cost` up, also when that means owing: those who come later wait for it. */
  take(cost: number): void;
}

/** `now` in milliseconds; it may stand still or jump, going back counts as standing still. */
export function createTokenBucket(perSecond: number, burst: number, now: () => number): TokenBucket {
  let tokens = burst;
  let at = now();

  function refill(): void {
    const time = now();
    if (time > at) tokens = Math.min(burst, tokens + (time - at) / 1000 * perSecond);
    at = time;
  }

  return {
    waitFor(cost) {
      refill();
      // A cost above the burst would never fit: it may run when the bucket is full, and leaves it owing.
      const missing = Math.min(cost, burst) - tokens;
      return missing <= 0 ? 0 : Math.ceil(missing / perSecond * 1000);
    },
    take(cost) {
      refill();
      tokens -= cost;
    },
  };
}
