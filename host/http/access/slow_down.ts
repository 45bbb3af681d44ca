/**
 * Slows down whoever tries one token after the other: after some wrong ones from an address, it is not listened to for a while, each time
 * twice as long.
 * @module
 */

/** Wrong tokens that are let pass: people mistype. */
const FREE = 5;
const FIRST_MS = 1000;
const MOST_MS = 60_000;
/** An address that has been quiet for so long begins anew. */
const FORGET_MS = 600_000;
const MOST_ADDRESSES = 10_000;

export interface SlowDown {
  /** Milliseconds for which the address is not listened to; 0: it may try. */
  wait(address: string): number;
  failed(address: string): void;
  succeeded(address: string): void;
}

export function createSlowDown(now: () => number): SlowDown {
  const addresses = new Map<string, { failures: number; until: number; at: number }>();
  return {
    wait: (address) => Math.max(0, (addresses.get(address)?.until ?? 0) - now()),
    failed(address) {
      const known = addresses.get(address);
      const failures = known !== undefined && now() - known.at < FORGET_MS ? known.failures + 1 : 1;
      const pause = failures <= FREE ? 0 : Math.min(MOST_MS, FIRST_MS * 2 ** (failures - FREE - 1));
      // Again at the end, so that the first of the map is the one that failed the longest ago.
      addresses.delete(address);
      addresses.set(address, { failures, until: now() + pause, at: now() });
      const [oldest] = addresses.keys();
      if (addresses.size > MOST_ADDRESSES && oldest !== undefined) addresses.delete(oldest);
    },
    succeeded: (address) => void addresses.delete(address),
  };
}
