/**
 * The plugins that run now: loaded and started when the configuration asks for them, kept while nothing of theirs changes.
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
import { chainOf, groupPlugins, type PluginGroup } from "./plugin_groups.ts";

export interface PluginSetOptions extends Omit<PluginRuntimeOptions, "plugins" | "services"> {
  /** Rejects with PluginLoadError. */
  load(config: PluginConfig): Promise<LoadedPlugin>;
  services(identity: PluginIdentity): PluginServices;
}

export interface PluginSet {
  readonly hosted: HostedPlugins;
  /**
   * Starts what is new or changed beside what it replaces; `anew` are plugin configs whose source changed though the configuration did not.
   * Resolves with the runtimes that are no longer wanted, to be closed when nothing uses them.
   */
  apply(config: HogpenConfig, anew?: ReadonlySet<number>): Promise<PluginRuntime[]>;
  /** The plugins of a project in the order of its chain. */
  place(project: ProjectConfig): PlacedPlugin[];
  runtimes(): PluginRuntime[];
}

interface RunningGroup {
  signature: string;
  runtime: PluginRuntime;
}

export function createPluginSet(options: PluginSetOptions): PluginSet {
  const hosted = new Map<number, HostedPlugin>();
  const running = new Map<string, RunningGroup>();

  async function apply(config: HogpenConfig, anew: ReadonlySet<number> = new Set()): Promise<PluginRuntime[]> {
    const wanted = new Map(groupPlugins(config).map((group) => [group.key, group]));
    const retired: PluginRuntime[] = [];
    for (const [key, { signature, runtime }] of running) {
      const isAnew = runtime.pluginConfigIds.some((id) => anew.has(id));
      if (wanted.get(key)?.signature === signature && !isAnew) continue;
      running.delete(key);
      retired.push(runtime);
      for (const id of runtime.pluginConfigIds) hosted.delete(id);
    }
    await Promise.all(Array.from(wanted.values(), async (group) => {
      if (!running.has(group.key)) running.set(group.key, { signature: group.signature, runtime: await start(group) });
    }));
    return retired;
  }

  async function start({ configs }: PluginGroup): Promise<PluginRuntime> {
    const plugins = await Promise.all(configs.map(async (config) => ({ config, plugin: await load(config) })));
    const identities = new Map(plugins.map(({ config, plugin }) => [config.id, identityOf(config, plugin)]));
    const runtime = createPluginRuntime({
      ...options,
      plugins,
      services: (id) => options.services(identities.get(id) as PluginIdentity),
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
