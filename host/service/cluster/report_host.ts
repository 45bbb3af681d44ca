/**
 * The state of this host, for the list of hosts.
 * @module
 */

import { hostname } from "node:os";
import type { ConsumerControl } from "../../consumers/consumer_status.ts";
import type { EventLog } from "../../log/event_log.ts";
import { routerLag } from "../../router/router_lag.ts";
import type { HostReport } from "../../store/host_reports.ts";

export interface ReportHostOptions {
  self: Pick<HostReport, "id" | "role" | "url" | "version" | "startedAt">;
  /** The revision of the configuration that the host has applied. */
  revision: string;
  log: Pick<EventLog, "share" | "cursor" | "lag">;
  /** The ids of all projects. */
  projects: number[];
  consumers: Pick<ConsumerControl, "list">;
  now: () => number;
}

export async function reportHost(options: ReportHostOptions): Promise<HostReport> {
  const { self, revision, log, projects, consumers, now } = options;
  const routing = projects.map((id) => routerLag(log, id));
  const lags = [...(await consumers.list()).map(({ lag }) => lag), ...await Promise.all(routing)];
  return {
    ...self,
    name: hostname(),
    seenAt: now(),
    revision,
    partitions: log.share()?.owned ?? null,
    lag: {
      events: Math.max(0, ...lags.map(({ events }) => events)),
      seconds: Math.max(0, ...lags.map(({ seconds }) => seconds)),
    },
  };
}
