/**
 * A plugin config that this host currently runs, as consumers, jobs and the schedule see it.
 * @module
 */

import type { PluginRuntime } from "../cells/plugin_runtime.ts";
import type { Manifest } from "./plugin.ts";

export interface HostedPlugin {
  pluginConfigId: number;
  teamId: number;
  manifest: Manifest;
  /** Whether its code uses `$plugins_succeeded` or `$plugins_failed`. */
  readsMarks: boolean;
  /** The configuration, with defaults filled in. */
  config: Record<string, unknown>;
  /** The time limit of one call, in seconds. */
  timeoutSeconds: number;
  runtime: PluginRuntime;
}

/**
 * By plugin config id. The map is live: an entry is replaced when the plugin config is reloaded, and disappears when it
 * is disabled or removed.
 */
export type HostedPlugins = ReadonlyMap<number, HostedPlugin>;
