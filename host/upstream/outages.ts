/**
 * Since when each PostHog behind a project has not answered, for whoever is to be told.
 * @module
 */

export interface Outage {
  /** Address of the PostHog. */
  host: string;
  /** The first request that failed since one went well. */
  since: number;
  failed: number;
  /** Why the last one failed. */
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
