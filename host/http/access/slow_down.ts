/**
 * Slows down clients that guess tokens: after a few wrong tokens an address is ignored for a while, which doubles each
 * time.
 * @module
 */

/** Wrong tokens without a consequence, because people mistype. */
const FREE = 5;
const FIRST_MS = 1000;
const MOST_MS = 60_000;
/** The count of an address starts again after so many quiet milliseconds. */
const FORGET_MS = 600_000;
const MOST_ADDRESSES = 10_000;

export interface SlowDown {
  /** Milliseconds for which the address is ignored; 0 when it may try. */
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
      // Moved to the end, so that the first entry is the one whose failure is oldest.
      addresses.delete(address);
      addresses.set(address, { failures, until: now() + pause, at: now() });
      const [oldest] = addresses.keys();
      if (addresses.size > MOST_ADDRESSES && oldest !== undefined) addresses.delete(oldest);
    },
    succeeded: (address) => void addresses.delete(address),
  };
}
