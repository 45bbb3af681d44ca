/**
 * Exposes counters and histograms that are kept elsewhere as metrics of prom-client, so that its registry prints them.
 * @module
 */

import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { BUCKETS_MS, type DurationCounts } from "./histogram.ts";

type Labels = Record<string, string | number>;

/** Returns the present value for each set of labels. */
export type ReadValues = () => Iterable<{ labels: Labels; value: number }>;

interface Named {
  name: string;
  help: string;
  labelNames: string[];
  registry: Registry;
}

/** A counter whose values are read at the time of a scrape. */
export function readCounter({ registry, ...named }: Named, read: ReadValues): void {
  new Counter({
    ...named,
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels, value } of read()) this.inc(labels, value);
    },
  });
}

/**
 * A gauge whose values are read at the time of a scrape, so that something that no longer exists does not keep its last
 * value.
 */
export function readGauge({ registry, ...named }: Named, read: ReadValues): void {
  new Gauge({
    ...named,
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels, value } of read()) this.set(labels, value);
    },
  });
}

/** What was counted for one set of labels. */
export interface Durations extends Readonly<DurationCounts> {
  labels: Labels;
}

/** A histogram in seconds, made of durations that were counted elsewhere. */
export function readHistogram({ registry, ...named }: Named, read: () => Iterable<Durations>): void {
  registry.registerMetric(new ReadHistogram(named, read));
}

class ReadHistogram extends Histogram {
  readonly #named: Omit<Named, "registry">;
  readonly #read: () => Iterable<Durations>;

  constructor(named: Omit<Named, "registry">, read: () => Iterable<Durations>) {
    super({ ...named, registers: [] });
    this.#named = named;
    this.#read = read;
  }

  /** prom-client's registry calls this when it prints; its types leave it out. */
  getForPromString() {
    const { name, help } = this.#named;
    const values = Array.from(this.#read()).flatMap(({ labels, buckets, ms, calls }) => {
      let count = 0;
      const value = (value: number, suffix: string, more: Labels = {}) => ({
        labels: { ...more, ...labels },
        value,
        metricName: `${name}_${suffix}`,
        exemplar: null,
      });
      return [
        ...buckets.map((own, index) => value(count += own, "bucket", { le: boundOf(index) })),
        value(ms / 1000, "sum"),
        value(calls, "count"),
      ];
    });
    return Promise.resolve({ name, help, type: "histogram", aggregator: "sum", values });
  }
}

function boundOf(index: number): number | string {
  const bound = BUCKETS_MS[index];
  return bound === undefined ? "+Inf" : bound / 1000;
}
