/**
 * The plugins that are running: loaded and started when the configuration asks for them, and kept as long as nothing
 * changes for them.
 * @module
 */

import { createPluginRuntime, type PluginRuntimeOptions } from "../cells/plugin_supervisor.ts";
import type { PluginRuntime } from "../cells/plugin_runtime.ts";
import type { HogpenConfig, PluginConfig, ProjectConfig } from "../config/config.ts";
import type { HostedPlugin, HostedPlugins } from "../loader/hosted_plugin.ts";
import { emptyManifest, mergeDefaults } from "../loader/manifest/manifest.ts";
import { type LoadedPlugin, PluginLoadError } from "../loader/plugin.ts";
import type { PlacedPlugin } from "../router/stage.ts";
import type { PluginIdentity } from "../services/plugin_identity.ts";
import type { PluginServices } from "../services/services.ts";
import type { Apart } from "./apart.ts";
import { chainOf, groupPlugins, type PluginGroup } from "./plugin_groups.ts";

export interface PluginSetOptions extends Omit<PluginRuntimeOptions, "plugins" | "services" | "onMisbehaviour"> {
  /**
   * The plugin configs that are kept apart from their neighbours. Those that misbehave are added, which calls for
   * another `apply`.
   */
  apart: Pick<Apart, "reasonOf" | "move">;
  /** Rejects with a PluginLoadError. */
  load(config: PluginConfig): Promise<LoadedPlugin>;
  services(identity: PluginIdentity): PluginServices;
}

export interface PluginSet {
  readonly hosted: HostedPlugins;
  /**
   * Starts new and changed plugins next to those that they replace. `anew` lists plugin configs whose source changed
   * although the configuration did not. Resolves with the runtimes that are no longer needed, to be closed when nothing
   * uses them.
   */
  apply(config: HogpenConfig, anew?: ReadonlySet<number>): Promise<PluginRuntime[]>;
  /** The plugins of a project in the order of its chain. */
  place(project: ProjectConfig): PlacedPlugin[];
  runtimes(): PluginRuntime[];
}

interface OpenedPlugin {
  plugin: LoadedPlugin | PluginLoadError;
  fits: boolean;
}

interface RunningGroup {
  signature: string;
  runtime: PluginRuntime;
}

export function createPluginSet(options: PluginSetOptions): PluginSet {
  const hosted = new Map<number, HostedPlugin>();
  const running = new Map<string, RunningGroup>();

  async function apply(config: HogpenConfig, anew: ReadonlySet<number> = new Set()): Promise<PluginRuntime[]> {
    const opened = await openSharing(config);
    const fits = ({ id }: PluginConfig) => opened.get(id)?.fits === true && options.apart.reasonOf(id) === null;
    const groups = groupPlugins(config, fits);
    const wanted = new Map(groups.map((group) => [group.key, group]));
    const staying = new Set(groups.flatMap(({ configs }) => configs.map(({ id }) => id)));
    const retired: PluginRuntime[] = [];
    for (const [key, { signature, runtime }] of running) {
      const isAnew = runtime.pluginConfigIds.some((id) => anew.has(id));
      if (wanted.get(key)?.signature === signature && !isAnew) continue;
      running.delete(key);
      retired.push(runtime);
      // Jobs and consumers of a plugin that stays use the old runtime until the new one takes its place.
      for (const id of runtime.pluginConfigIds) {
        if (!staying.has(id)) hosted.delete(id);
      }
    }
    await Promise.all(Array.from(wanted.values(), async (group) => {
      if (!running.has(group.key)) {
        running.set(group.key, { signature: group.signature, runtime: await start(group, opened) });
      }
    }));
    return retired;
  }

  /** In projects that share cells, plugins must be inspected before it can be decided which of them may share. */
  async function openSharing(config: HogpenConfig): Promise<Map<number, OpenedPlugin>> {
    const configs = config.projects.filter(({ isolation }) => isolation === "shared").flatMap(chainOf);
    return new Map(
      await Promise.all(configs.map(async (config) => {
        const plugin = await load(config);
        // A package keeps its own state for everyone who imports it.
        const fits = !(plugin instanceof PluginLoadError) && plugin.packages.length === 0;
        return [config.id, { plugin, fits }] as const;
      })),
    );
  }

  async function start(
    { configs, together }: PluginGroup,
    opened: ReadonlyMap<number, OpenedPlugin>,
  ): Promise<PluginRuntime> {
    const plugins = await Promise.all(configs.map(async (config) => ({
      config,
      plugin: opened.get(config.id)?.plugin ?? await load(config),
    })));
    const identities = new Map(plugins.map(({ config, plugin }) => [config.id, identityOf(config, plugin)]));
    const runtime = createPluginRuntime({
      ...options,
      plugins,
      services: (id) => options.services(identities.get(id) as PluginIdentity),
      ...(together && { onMisbehaviour: options.apart.move }),
    });
    for (const { config, plugin } of plugins) {
      const manifest = plugin instanceof PluginLoadError ? emptyManifest(`plugin ${config.id}`) : plugin.manifest;
      hosted.set(config.id, {
        pluginConfigId: config.id,
        teamId: config.teamId,
        manifest,
        readsMarks: !(plugin instanceof PluginLoadError) && plugin.readsMarks,
        config: mergeDefaults(manifest, config.config),
        timeoutSeconds: config.timeoutSeconds,
        runtime,
      });
    }
    return runtime;
  }

  async function load(config: PluginConfig): Promise<LoadedPlugin | PluginLoadError> {
    try {
      return await options.load(config);
    } catch (error) {
      if (error instanceof PluginLoadError) return error;
      throw error;
    }
  }

  return {
    hosted,
    apply,
    place: (project) =>
      chainOf(project).flatMap(({ id }) => {
        const plugin = hosted.get(id);
        if (plugin === undefined) return [];
        const { manifest, runtime, readsMarks } = plugin;
        return [{ pluginConfigId: id, mark: `${manifest.name} (${id})`, runtime, readsMarks }];
      }),
    runtimes: () => Array.from(running.values(), ({ runtime }) => runtime),
  };
}

function identityOf(config: PluginConfig, plugin: LoadedPlugin | PluginLoadError): PluginIdentity {
  const pluginName = plugin instanceof PluginLoadError ? "" : plugin.manifest.name;
  return { pluginConfigId: config.id, teamId: config.teamId, pluginName };
}
