/**
 * The plugin configs as the API shows them: those of the configuration, each with its present state.
 * @module
 */

import { PluginState, type PluginStatus } from "../cells/plugin_runtime.ts";
import type { HogpenConfig } from "../config/config.ts";
import type { Plugins } from "../http/routes/plugin_configs.ts";
import type { HostedPlugins } from "../loader/hosted_plugin.ts";
import type { RestingManifests } from "./resting_manifests.ts";

const SWITCHED_OFF: PluginStatus = {
  state: PluginState.Stopped,
  reason: null,
  capabilities: null,
  lastError: null,
  pid: null,
  memoryBytes: null,
  cpuMs: 0,
  restarts: [],
};

/**
 * `versionOf` returns the version of the thing in the store; null for a plugin config that is defined in the file.
 * `elsewhere` says why enabled ones do not run on this host.
 */
export function createApiPlugins(
  config: () => HogpenConfig,
  hosted: HostedPlugins,
  resting: Pick<RestingManifests, "get">,
  versionOf: (pluginConfigId: number) => number | null,
  apart: { reasonOf(pluginConfigId: number): string | null; release(pluginConfigId: number): Promise<void> },
  elsewhere: string | null = null,
): Plugins {
  return {
    list: () =>
      config().projects.flatMap((project) =>
        project.plugins.map((pluginConfig) => {
          const plugin = hosted.get(pluginConfig.id);
          return {
            config: pluginConfig,
            manifest: plugin?.manifest ?? resting.get(pluginConfig.id),
            status: plugin?.runtime.status(pluginConfig.id) ??
              { ...SWITCHED_OFF, reason: pluginConfig.enabled ? elsewhere : null },
            version: versionOf(pluginConfig.id),
            apart: apart.reasonOf(pluginConfig.id),
          };
        })
      ),
    enable: async (id) => await hosted.get(id)?.runtime.enable(id),
    share: apart.release,
  };
}
