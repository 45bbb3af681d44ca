/**
 * The service's state as Prometheus reads it. Values that others keep are read when they are asked for.
 * @module
 */

import { Counter, Gauge, Registry } from "prom-client";
import type { ConsumerControl, ConsumerStatus } from "../consumers/consumer_status.ts";
import type { PluginMetrics } from "../services/metrics.ts";
import type { Plugins, PluginView } from "../http/routes/plugin_configs.ts";

export interface Metrics {
  /** Counts the events of one request that was stored. */
  onStored(projectId: number, events: number): void;
  /** Counts the answer to a request of an SDK. */
  onAnswer(status: number): void;
  response(): Promise<Response>;
}

export function createMetrics(
  consumers: Pick<ConsumerControl, "list">,
  plugins: Pick<Plugins, "list">,
  pluginMetrics: Pick<PluginMetrics, "list">,
): Metrics {
  const registers = [new Registry()] as const;
  const stored = new Counter({
    name: "hogpen_events_stored_total",
    help: "Events taken from SDKs",
    labelNames: ["project"],
    registers: [...registers],
  });
  const answers = new Counter({
    name: "hogpen_capture_requests_total",
    help: "Requests of SDKs by the status of the answer",
    labelNames: ["status"],
    registers: [...registers],
  });
  const memory = new Gauge({
    name: "hogpen_host_memory_bytes",
    help: "Resident memory of the host",
    registers: [...registers],
  });

  const consumerGauge = (name: string, help: string, value: (status: ConsumerStatus) => number) => {
    const gauge = new Gauge({ name, help, labelNames: ["project", "consumer"], registers: [...registers] });
    return {
      gauge,
      set: (status: ConsumerStatus) => gauge.set({ project: status.project, consumer: status.id }, value(status)),
    };
  };
  const consumerGauges = [
    consumerGauge("hogpen_consumer_lag_events", "Events not yet delivered", ({ lag }) => lag.events),
    consumerGauge("hogpen_consumer_lag_seconds", "Age of the oldest event not yet delivered", ({ lag }) => lag.seconds),
    consumerGauge("hogpen_consumer_delivered_events", "Events delivered since the start", ({ delivered }) => delivered),
    consumerGauge(
      "hogpen_consumer_rejected_events",
      "Events copied to the dead letters since the start",
      ({ rejected }) => rejected,
    ),
    consumerGauge("hogpen_consumer_paused", "1 while paused", ({ state }) => state === "paused" ? 1 : 0),
  ];

  const pluginGauge = (name: string, help: string, value: (view: PluginView) => number) => {
    const gauge = new Gauge({ name, help, labelNames: ["project", "plugin_config"], registers: [...registers] });
    return {
      gauge,
      set: (view: PluginView) => gauge.set({ project: view.config.teamId, plugin_config: view.config.id }, value(view)),
    };
  };
  const pluginGauges = [
    pluginGauge(
      "hogpen_plugin_running",
      "1 while running or idle",
      ({ status }) => status.state === "running" || status.state === "idle" ? 1 : 0,
    ),
    pluginGauge(
      "hogpen_plugin_disabled",
      "1 while disabled by the service",
      ({ status }) => status.state === "disabled" ? 1 : 0,
    ),
    pluginGauge("hogpen_plugin_cpu_seconds", "CPU time of all its cells", ({ status }) => status.cpuMs / 1000),
    pluginGauge("hogpen_plugin_memory_bytes", "Memory of its cell", ({ status }) => status.memoryBytes ?? 0),
    pluginGauge("hogpen_plugin_restarts", "Restarts that are remembered", ({ status }) => status.restarts.length),
  ];

  const ownMetrics = new Gauge({
    name: "hogpen_plugin_metric",
    help: "What a plugin recorded in metrics of its own since the start",
    labelNames: ["project", "plugin_config", "metric"],
    registers: [...registers],
  });

  return {
    onStored: (project, events) => stored.inc({ project }, events),
    onAnswer: (status) => answers.inc({ status }),
    async response() {
      memory.set(Deno.memoryUsage().rss);
      const statuses = await consumers.list();
      const views = plugins.list();
      for (const { gauge, set } of consumerGauges) {
        // What is gone must not be shown with its last value.
        gauge.reset();
        statuses.forEach(set);
      }
      for (const { gauge, set } of pluginGauges) {
        gauge.reset();
        views.forEach(set);
      }
      for (const { teamId, pluginConfigId, name, value } of pluginMetrics.list()) {
        ownMetrics.set({ project: teamId, plugin_config: pluginConfigId, metric: name }, value);
      }
      const [registry] = registers;
      return new Response(await registry.metrics(), { headers: { "content-type": registry.contentType } });
    },
  };
}
