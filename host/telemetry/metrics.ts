/**
 * The service's counters and state as Prometheus metrics.
 * @module
 */

import { Gauge, Histogram, Registry } from "prom-client";
import type { ConsumerControl, ConsumerStatus } from "../consumers/consumer_status.ts";
import type { Plugins, PluginView } from "../http/routes/plugin_configs.ts";
import type { PluginMetrics } from "../services/metrics.ts";
import type { Counters, FunctionCounts } from "./counters.ts";
import { type Disk, observeDisk } from "./disk_metrics.ts";
import { readCounter, readGauge, readHistogram, type ReadValues } from "./prometheus.ts";

export interface Metrics {
  /** Counts an answer to an SDK's request. */
  onAnswer(status: number): void;
  /** Counts a request that was forwarded to PostHog. Status 0 means that there was no answer. */
  onUpstream(kind: string, status: number, ms: number): void;
  response(): Promise<Response>;
}

/** What `hogpen_plugin_events_total` counts, by its label `outcome`. */
const OUTCOMES = ["in", "out", "dropped", "failed", "timedOut", "retried", "skipped"] as const;
const CONSUMED = ["delivered", "threw", "failed", "rejected"] as const;

export function createMetrics(
  counters: Counters,
  consumers: Pick<ConsumerControl, "list">,
  plugins: Pick<Plugins, "list">,
  pluginMetrics: Pick<PluginMetrics, "list">,
  disk: Disk,
): Metrics {
  const registry = new Registry();
  const answers = new Map<number, number>();
  const upstream = new Histogram({
    name: "hogpen_upstream_request_duration_seconds",
    help: "Requests that passed to PostHog, by kind of path and status (0: no answer)",
    labelNames: ["kind", "status"],
    buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
    registers: [registry],
  });
  /** Kept because looking up the labels cost more than counting a request. */
  const upstreamObservers = new Map<string, { observe(seconds: number): void }>();
  /** As they are during the current scrape. */
  let views: PluginView[] = [];
  let statuses: ConsumerStatus[] = [];

  const counter = (name: string, help: string, labelNames: string[], read: ReadValues) =>
    readCounter({ name, help, labelNames, registry }, read);
  const gauge = (name: string, help: string, labelNames: string[], read: ReadValues) =>
    readGauge({ name, help, labelNames, registry }, read);

  counter(
    "hogpen_events_received_total",
    "Events that SDKs sent in requests that were taken",
    ["project"],
    () => projects().map(({ labels, counts }) => ({ labels, value: counts.received })),
  );
  counter(
    "hogpen_events_stored_total",
    "Events taken from SDKs",
    ["project"],
    () => projects().map(({ labels, counts }) => ({ labels, value: counts.stored })),
  );
  counter(
    "hogpen_requests_refused_total",
    "Requests of SDKs that were refused, by the code of the answer",
    [
      "project",
      "reason",
    ],
    () =>
      Array.from(counters.byProject).flatMap(([id, { refused }]) =>
        Array.from(refused, ([reason, value]) => ({ labels: { project: id ?? "", reason }, value }))
      ),
  );
  counter(
    "hogpen_events_repaired_total",
    "Events that were not stored as they were sent, by what was done to them",
    [
      "project",
      "reason",
    ],
    () =>
      Array.from(counters.byProject).flatMap(([id, { repaired }]) =>
        Array.from(repaired, ([reason, value]) => ({ labels: { project: id ?? "", reason }, value }))
      ),
  );
  counter(
    "hogpen_capture_requests_total",
    "Requests of SDKs by the status of the answer",
    ["status"],
    () => Array.from(answers, ([status, value]) => ({ labels: { status }, value })),
  );

  counter(
    "hogpen_plugin_events_total",
    "Events, jobs and tasks of plugins by function and outcome",
    [
      "project",
      "plugin_config",
      "function",
      "outcome",
    ],
    () =>
      functions().flatMap(({ labels, counts }) =>
        OUTCOMES.map((outcome) => ({ labels: { ...labels, outcome: wordOf(outcome) }, value: counts[outcome] }))
      ),
  );
  readHistogram({
    name: "hogpen_plugin_call_duration_seconds",
    help: "From handing a batch or call to a plugin to its answer",
    labelNames: ["project", "plugin_config", "function"],
    registry,
  }, () => functions().map(({ labels, counts }) => ({ labels, ...counts })));
  gauge(
    "hogpen_plugin_in_flight",
    "Events that a plugin has in hand",
    ["project", "plugin_config", "function"],
    () => functions().map(({ labels, counts }) => ({ labels, value: counts.inFlight })),
  );
  counter(
    "hogpen_plugin_restarts_total",
    "Ends of a plugin's cell that nobody wanted",
    ["project", "plugin_config"],
    () => views.map((view) => ({ labels: ofPlugin(view), value: counters.restarts.get(view.config.id) ?? 0 })),
  );
  counter(
    "hogpen_plugin_cpu_seconds_total",
    "CPU time of all its cells",
    ["project", "plugin_config"],
    () => views.map((view) => ({ labels: ofPlugin(view), value: view.status.cpuMs / 1000 })),
  );
  gauge(
    "hogpen_plugin_memory_bytes",
    "Memory of its cell",
    ["project", "plugin_config"],
    () => views.map((view) => ({ labels: ofPlugin(view), value: view.status.memoryBytes ?? 0 })),
  );
  gauge(
    "hogpen_plugin_running",
    "1 while running or idle",
    ["project", "plugin_config"],
    () =>
      views.map((view) => ({ labels: ofPlugin(view), value: ["running", "idle"].includes(view.status.state) ? 1 : 0 })),
  );
  gauge(
    "hogpen_plugin_disabled",
    "1 while disabled by the service",
    ["project", "plugin_config"],
    () => views.map((view) => ({ labels: ofPlugin(view), value: view.status.state === "disabled" ? 1 : 0 })),
  );
  gauge("hogpen_plugin_metric", "What a plugin recorded in metrics of its own since the start", [
    "project",
    "plugin_config",
    "metric",
  ], () =>
    pluginMetrics.list().map(({ teamId, pluginConfigId, name, value }) => ({
      labels: { project: teamId, plugin_config: pluginConfigId, metric: name },
      value,
    })));

  counter(
    "hogpen_consumer_events_total",
    "Events by what became of their delivery; failed counts deliveries",
    [
      "project",
      "consumer",
      "outcome",
    ],
    () =>
      consumed().flatMap(({ labels, counts }) =>
        CONSUMED.map((outcome) => ({ labels: { ...labels, outcome }, value: counts[outcome] }))
      ),
  );
  counter(
    "hogpen_consumer_deliveries_total",
    "Deliveries by how they ended; those that failed are tried again",
    ["project", "consumer", "outcome"],
    () =>
      consumed().flatMap(({ labels, counts: { attempts, failed } }) => [
        { labels: { ...labels, outcome: "succeeded" }, value: attempts.calls - failed },
        { labels: { ...labels, outcome: "failed" }, value: failed },
      ]),
  );
  readHistogram({
    name: "hogpen_consumer_delivery_duration_seconds",
    help: "How long a delivery took, also one that failed",
    labelNames: ["project", "consumer"],
    registry,
  }, () => consumed().map(({ labels, counts }) => ({ labels, ...counts.attempts })));
  readHistogram({
    name: "hogpen_consumer_event_age_seconds",
    help: "How long an event had been in the outbox when it was delivered",
    labelNames: ["project", "consumer"],
    registry,
  }, () => consumed().map(({ labels, counts }) => ({ labels, ...counts.ages })));
  counter(
    "hogpen_consumer_bytes_total",
    "Bytes of JSON delivered",
    ["project", "consumer"],
    () => consumed().map(({ labels, counts }) => ({ labels, value: counts.bytes })),
  );
  gauge(
    "hogpen_consumer_lag_events",
    "Events not yet delivered",
    ["project", "consumer"],
    () => statuses.map((status) => ({ labels: ofConsumer(status), value: status.lag.events })),
  );
  gauge(
    "hogpen_consumer_lag_seconds",
    "Age of the oldest event not yet delivered",
    ["project", "consumer"],
    () => statuses.map((status) => ({ labels: ofConsumer(status), value: status.lag.seconds })),
  );
  gauge(
    "hogpen_consumer_paused",
    "1 while paused",
    ["project", "consumer"],
    () => statuses.map((status) => ({ labels: ofConsumer(status), value: status.state === "paused" ? 1 : 0 })),
  );
  observeDisk(disk, registry);
  const memory = new Gauge({
    name: "hogpen_host_memory_bytes",
    help: "Resident memory of the host",
    registers: [registry],
  });

  function functions(): { labels: Record<string, string | number>; counts: Readonly<FunctionCounts> }[] {
    return views.flatMap((view) =>
      Array.from(counters.functions.get(view.config.id) ?? [], ([fn, counts]) => ({
        labels: { ...ofPlugin(view), function: fn },
        counts,
      }))
    );
  }

  function consumed() {
    return Array.from(counters.byConsumer, ([consumer, counts]) => ({
      labels: { project: counts.project, consumer },
      counts,
    }));
  }

  function projects() {
    return Array.from(counters.byProject).flatMap(([project, counts]) =>
      project === null ? [] : [{ labels: { project }, counts }]
    );
  }

  return {
    onAnswer: (status) => void answers.set(status, (answers.get(status) ?? 0) + 1),
    onUpstream(kind, status, ms) {
      const name = `${kind} ${status}`;
      let observer = upstreamObservers.get(name);
      if (observer === undefined) upstreamObservers.set(name, observer = upstream.labels({ kind, status }));
      observer.observe(ms / 1000);
    },
    async response() {
      memory.set(Deno.memoryUsage().rss);
      statuses = await consumers.list();
      views = plugins.list();
      return new Response(await registry.metrics(), { headers: { "content-type": registry.contentType } });
    },
  };
}

function ofPlugin({ config }: PluginView) {
  return { project: config.teamId, plugin_config: config.id };
}

function ofConsumer({ project, id }: ConsumerStatus) {
  return { project, consumer: id };
}

/** `timed_out` */
function wordOf(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
