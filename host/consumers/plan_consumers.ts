/**
 * Which consumers the configuration and the plugins now running ask for.
 * @module
 */

import type { Capabilities } from "../../runtime/capabilities.ts";
import type { DestinationConfig, HogpenConfig, PluginConfig, ProjectConfig } from "../config/config.ts";
import type { HostedPlugin } from "../loader/hosted_plugin.ts";
import { createComposeWebhookSink } from "./sinks/compose_webhook_sink.ts";
import type { ConsumerSpec } from "./consumer.ts";
import type { ConsumerPlan } from "./consumers.ts";
import type { ConsumerRef } from "./places.ts";
import { exportEvents } from "./sinks/export_events_sink.ts";
import { readExportEventsSettings } from "./sinks/export_events_settings.ts";
import { createOnEventSink } from "./sinks/on_event_sink.ts";
import type { PluginSinkServices } from "./sinks/plugin_event_sink.ts";
import type { Batching, EventFilter, Sink } from "./sink.ts";

/** A destination as its type makes it. */
export interface OpenDestination {
  openSink(): Sink;
  batching: Batching;
  filter?: EventFilter;
}

export interface PlanServices extends PluginSinkServices {
  openDestination(project: ProjectConfig, destination: DestinationConfig): OpenDestination;
}

/** For functions that take events one by one. Small batches, so that little is repeated after a crash. */
const ONE_BY_ONE: Batching = { maxEvents: 100, maxBytes: 1024 * 1024, maxWaitMs: 0 };

/** To be asked for again whenever the configuration changes or a plugin's capabilities become known. */
export function planConsumers(config: HogpenConfig, services: PlanServices): ConsumerPlan {
  const run: ConsumerSpec[] = [];
  const reserve: ConsumerRef[] = [];
  for (const project of config.projects) {
    for (const destination of project.destinations) {
      if (destination.enabled) run.push(planDestination(project, destination, services));
    }
    for (const pluginConfig of project.plugins) {
      if (!pluginConfig.enabled) continue;
      const plugin = services.plugins.get(pluginConfig.id);
      const capabilities = plugin?.runtime.status(pluginConfig.id).capabilities ?? null;
      if (plugin === undefined || capabilities === null) reserve.push(...possibleConsumers(pluginConfig));
      else run.push(...planPlugin(plugin, capabilities, services));
    }
    const { plugins = [], destinations = [] } = project.unreadable ?? {};
    for (const id of plugins) reserve.push(...possibleConsumers({ id, teamId: project.id }));
    for (const id of destinations) reserve.push({ id: destinationConsumer(project.id, id), project: project.id });
  }
  return { run, reserve };
}

function planDestination(
  project: ProjectConfig,
  destination: DestinationConfig,
  { openDestination }: PlanServices,
): ConsumerSpec {
  return {
    id: destinationConsumer(project.id, destination.id),
    project: project.id,
    revision: JSON.stringify(destination),
    ...openDestination(project, destination),
  };
}

/**
 * Reloading a plugin changes none of them unless it changes what is written in their revisions: they find the plugin
 * that runs at the time.
 */
function planPlugin(
  { pluginConfigId, teamId, config }: HostedPlugin,
  { methods }: Capabilities,
  services: PlanServices,
): ConsumerSpec[] {
  const specs: ConsumerSpec[] = [];
  const base = (fn: string) => ({ id: `${fn}:${pluginConfigId}`, project: teamId });
  const options = (fn: string) => ({ ...services, consumer: `${fn}:${pluginConfigId}`, pluginConfigId, teamId });
  const sees = { onEvent: methods.includes("onEvent"), onSnapshot: methods.includes("onSnapshot") };
  if (sees.onEvent || sees.onSnapshot) {
    specs.push({
      ...base("onEvent"),
      revision: JSON.stringify(sees),
      batching: ONE_BY_ONE,
      openSink: () => createOnEventSink({ ...options("onEvent"), methods: sees }),
    });
  }
  if (methods.includes("exportEvents")) {
    const settings = readExportEventsSettings(config);
    specs.push({
      ...base("exportEvents"),
      revision: JSON.stringify([settings.bufferUnits, settings.bufferSeconds, ...settings.ignore]),
      ...exportEvents({ ...options("exportEvents"), settings }),
    });
  }
  if (methods.includes("composeWebhook")) {
    specs.push({
      ...base("composeWebhook"),
      revision: "",
      batching: ONE_BY_ONE,
      openSink: () => createComposeWebhookSink(options("composeWebhook")),
    });
  }
  return specs;
}

function destinationConsumer(project: number, id: string): string {
  return `destination:${project}/${id}`;
}

function possibleConsumers({ id, teamId }: Pick<PluginConfig, "id" | "teamId">): ConsumerRef[] {
  return ["onEvent", "exportEvents", "composeWebhook"].map((fn) => ({ id: `${fn}:${id}`, project: teamId }));
}
