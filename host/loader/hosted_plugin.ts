/**
 * A plugin config that this host runs now, as consumers, jobs and the schedule find it.
 * @module
 */

import type { PluginRuntime } from "../cells/plugin_runtime.ts";
import type { Manifest } from "./plugin.ts";

export interface HostedPlugin {
  pluginConfigId: number;
  teamId: number;
  manifest: Manifest;
  /** It looks at `$plugins_succeeded` or `$plugins_failed`. */
  readsMarks: boolean;
  /** Defaults merged. */
  config: Record<string, unknown>;
  /** Limit of one call. */
  timeoutSeconds: number;
  runtime: PluginRuntime;
}

/** By plugin config id. Live: an entry is replaced when the plugin config is loaded anew, and gone when it is disabled or removed. */
export type HostedPlugins = ReadonlyMap<number, HostedPlugin>;
