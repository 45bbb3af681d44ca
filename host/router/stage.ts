/**
 * One step of a project's chain: neighbouring plugin configs that run in one cell. A plugin with a cell of its own is a
 * stage of its own.
 * @module
 */

import type { PluginRuntime } from "../cells/plugin_runtime.ts";

export interface StagePlugin {
  pluginConfigId: number;
  /** `"<plugin name> (<plugin config id>)"`, as `$plugins_succeeded` and its siblings list it. */
  mark: string;
  /** It looks at the marks of the plugins before it. */
  readsMarks?: boolean;
}

export interface Stage {
  runtime: PluginRuntime;
  /** In the order of the chain. */
  plugins: StagePlugin[];
}

/** A plugin config in its place in the project's order, with the runtime that holds it. */
export interface PlacedPlugin extends StagePlugin {
  runtime: PluginRuntime;
}

/** Joins neighbours that share a runtime, so that they get one frame. A plugin that reads marks begins a stage. */
export function groupStages(plugins: PlacedPlugin[]): Stage[] {
  const stages: Stage[] = [];
  for (const { runtime, ...plugin } of plugins) {
    const last = stages.at(-1);
    if (last?.runtime === runtime && !plugin.readsMarks) last.plugins.push(plugin);
    else stages.push({ runtime, plugins: [plugin] });
  }
  return stages;
}
