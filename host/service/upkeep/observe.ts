/**
 * Collects what the rules of alerts are applied to.
 * @module
 */

import type { Observed } from "../../alerts/find_alerts.ts";
import type { ProjectConfig } from "../../config/config.ts";
import type { ConsumerControl } from "../../consumers/consumer_status.ts";
import type { EventLog } from "../../log/event_log.ts";
import type { Outages } from "../../upstream/outages.ts";
import type { Plugins } from "../../http/routes/plugin_configs.ts";
import { namesOf } from "../../managed/unreadable.ts";
import type { Store } from "../../store/store.ts";
import { findSubjects, readTotals } from "../../telemetry/read_series.ts";

export interface ObserveOptions {
  plugins: Pick<Plugins, "list">;
  consumers: Pick<ConsumerControl, "list">;
  store: Pick<Store, "series" | "deadLetters">;
  log: Pick<EventLog, "size">;
  outages: Pick<Outages, "list">;
  projects(): readonly ProjectConfig[];
  unowned: Observed["unowned"];
  now: () => number;
}

const MINUTE_MS = 60_000;
const MOST_GROUPS = 500;
const MOST_SUBJECTS = 100_000;

export function observe({ plugins, consumers, store, log, outages, projects, unowned, now }: ObserveOptions): Observed {
  return {
    plugins: () =>
      plugins.list().map(({ config, manifest, status }) => ({
        id: config.id,
        teamId: config.teamId,
        name: manifest?.name ?? "plugin",
        status,
      })),
    consumers: () => consumers.list(),
    log: () => log.size(),
    outages: () => outages.list(),
    unreadable: () =>
      projects().flatMap(({ id, unreadable }) =>
        unreadable === undefined ? [] : [{ teamId: id, names: namesOf(unreadable), reason: unreadable.reason }]
      ),
    unowned,
    now,
    async events(minutes) {
      const counts = new Map<number, { in: number; failed: number }>();
      const range = { from: now() - minutes * MINUTE_MS, to: now() };
      const { subjects } = await findSubjects(store.series, ["plugin:*"], { after: "", limit: MOST_SUBJECTS });
      const totals = await readTotals(store.series, { subjects, fields: ["in", "failed"], ...range }, now());
      for (const { subject, fields } of totals) {
        const id = Number(/^plugin:(\d+)\//.exec(subject)?.[1] ?? NaN);
        if (Number.isNaN(id)) continue;
        const sum = counts.get(id) ?? { in: 0, failed: 0 };
        counts.set(id, { in: sum.in + (fields["in"] ?? 0), failed: sum.failed + (fields["failed"] ?? 0) });
      }
      return counts;
    },
    async deadLetters(minutes) {
      const sums = new Map<string, { teamId: number; consumer: string; count: number }>();
      for (const group of await store.deadLetters.groups({ after: now() - minutes * MINUTE_MS }, MOST_GROUPS)) {
        const { teamId, consumer } = group;
        const sum = sums.get(consumer) ?? { teamId, consumer, count: 0 };
        sums.set(consumer, { ...sum, count: sum.count + group.count });
      }
      return [...sums.values()];
    },
  };
}
