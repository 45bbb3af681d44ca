/**
 * Remembers since when each upstream has not answered, for alerts.
 * @module
 */

export interface Outage {
  /** The address of the upstream. */
  host: string;
  /** When the first request failed since the last one that succeeded. */
  since: number;
  failed: number;
  /** Why the most recent request failed. */
  message: string;
}

export interface Outages {
  answered(host: string): void;
  failed(host: string, message: string): void;
  list(): Outage[];
}

export function createOutages(now: () => number): Outages {
  const outages = new Map<string, Outage>();
  return {
    answered: (host) => void outages.delete(host),
    failed(host, message) {
      const { since = now(), failed = 0 } = outages.get(host) ?? {};
      outages.set(host, { host, since, failed: failed + 1, message });
    },
    list: () => [...outages.values()],
  };
}
