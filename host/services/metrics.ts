/**
 * The host's side of `meta.metrics`: the numbers of plugins that export `metrics`, kept since the start of the service.
 * @module
 */

import { z } from "zod";
import { checkArguments, text } from "./check_arguments.ts";
import type { PluginIdentity } from "./plugin_identity.ts";
import type { PluginServices } from "./services.ts";

export interface PluginMetric {
  pluginConfigId: number;
  teamId: number;
  name: string;
  value: number;
}

/** The metrics of all plugins. */
export interface PluginMetrics {
  record(
    owner: Pick<PluginIdentity, "pluginConfigId" | "teamId">,
    name: string,
    operation: Operation,
    value: number,
  ): void;
  list(): PluginMetric[];
}

type Operation = "increment" | "max" | "min";

/** The most metric names of one plugin config, because metrics systems cannot handle arbitrary numbers of series. */
const MOST_NAMES = 100;
const NAME_CHARS = 200;

export function createPluginMetrics(): PluginMetrics {
  const metrics = new Map<number, Map<string, PluginMetric>>();
  return {
    record({ pluginConfigId, teamId }, name, operation, value) {
      const own = metrics.get(pluginConfigId) ?? new Map<string, PluginMetric>();
      metrics.set(pluginConfigId, own);
      const known = own.get(name);
      if (known === undefined && own.size >= MOST_NAMES) {
        throw new RangeError(`Cannot record metric ${name}: a plugin may have ${MOST_NAMES} metrics`);
      }
      const next = known === undefined ? value : combine(known.value, operation, value);
      own.set(name, { pluginConfigId, teamId, name, value: next });
    },
    list: () => [...metrics.values()].flatMap((own) => [...own.values()]),
  };
}

function combine(known: number, operation: Operation, value: number): number {
  return operation === "increment"
    ? known + value
    : operation === "max"
    ? Math.max(known, value)
    : Math.min(known, value);
}

export function createMetricServices(
  metrics: PluginMetrics,
  identity: PluginIdentity,
): Pick<PluginServices, "metrics.record"> {
  const schema = z.tuple([
    text("the metric's name", NAME_CHARS),
    z.enum(["increment", "max", "min"]),
    z.number("expected a number"),
  ]);
  return {
    "metrics.record": (args) =>
      Promise.try(() => {
        const [name, operation, value] = checkArguments("metrics.record", schema, args);
        metrics.record(identity, name, operation, value);
      }),
  };
}
