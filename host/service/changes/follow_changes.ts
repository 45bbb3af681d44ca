/**
 * Applies changes of the configuration while the service runs and, if requested, changes of plugin folders.
 * @module
 */

import { stat } from "node:fs/promises";
import type { HogpenConfig } from "../../config/config.ts";
import { diffConfig } from "../../config/diff_config.ts";
import { loadConfig } from "../../config/load_config.ts";
import type { Settings } from "../../config/settings.ts";
import { watchConfig, watchFolders } from "../../config/watch_config.ts";
import { describeChanges } from "./describe_changes.ts";
import { type Notices, wordsOf } from "../notices.ts";
import type { Service } from "../service.ts";

export interface FollowOptions {
  settings: Settings;
  configGiven: boolean;
  /** The configuration that the service is running. */
  config: HogpenConfig;
  service: Pick<Service, "apply">;
  notices: Notices;
  signal: AbortSignal;
}

/** Resolves when the signal aborts. A configuration that cannot be used is reported, and the running one stays. */
export async function followChanges(options: FollowOptions): Promise<void> {
  const { settings, configGiven, service, notices, signal } = options;
  let config = options.config;

  async function apply(next: HogpenConfig, what: string, anew?: ReadonlySet<number>): Promise<void> {
    try {
      await service.apply(next, anew);
      config = next;
      notices.info(`Applied: ${what}`);
    } catch (error) {
      notices.error(`Cannot apply ${what}: ${wordsOf(error)}`);
    }
  }

  async function followConfig(): Promise<void> {
    const read = () => loadConfig(settings, configGiven);
    for await (const change of watchConfig(settings.config, { signal, read })) {
      if ("config" in change) await apply(change.config, describeChanges(diffConfig(config, change.config)));
      else notices.error(`The running configuration is kept. ${change.error.message}`);
    }
  }

  async function followPlugins(): Promise<void> {
    const folders = await pluginFolders(config);
    for await (const changed of watchFolders([...folders.keys()], signal)) {
      const anew = new Set(changed.flatMap((folder) => folders.get(folder) ?? []));
      await apply(config, `changed code of plugin configs ${[...anew].join(", ")}`, anew);
    }
  }

  await Promise.all([settings.watch ? followConfig() : undefined, settings.watchPlugins ? followPlugins() : undefined]);
}

/** The ids of the enabled plugin configs, by the folder that they come from. */
async function pluginFolders(config: HogpenConfig): Promise<Map<string, number[]>> {
  const folders = new Map<string, number[]>();
  for (const { id, source, enabled } of config.projects.flatMap(({ plugins }) => plugins)) {
    if (!enabled || typeof source !== "string") continue;
    const info = await stat(source).catch(() => null);
    if (info?.isDirectory()) folders.set(source, [...folders.get(source) ?? [], id]);
  }
  return folders;
}
