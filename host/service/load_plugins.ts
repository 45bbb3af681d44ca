/**
 * Loads the plugin of a plugin config, with the caches and tokens that the settings name.
 * @module
 */

import { join } from "node:path";
import type { PluginConfig } from "../config/config.ts";
import type { Settings } from "../config/settings.ts";
import { loadPlugin } from "../loader/load_plugin.ts";
import { downloadFolder } from "../loader/sources/download_folder.ts";
import { openSource } from "../loader/sources/open_source.ts";
import type { PluginSource } from "../loader/sources/plugin_source.ts";
import type { LoadedPlugin } from "../loader/plugin.ts";
import { createTransformer } from "../loader/compile/transformer.ts";

export interface PluginLoader extends AsyncDisposable {
  /** Rejects with a PluginLoadError. */
  load(config: PluginConfig): Promise<LoadedPlugin>;
  /** The plugin's files as they are. */
  open(config: PluginConfig): Promise<PluginSource>;
}

export async function createPluginLoader(settings: Settings): Promise<PluginLoader> {
  const transformer = await createTransformer({ cacheFolder: join(settings.data, "compiled") });
  const { githubToken, gitlabToken, npmToken } = settings;
  return {
    load: (config) =>
      loadPlugin(config.source, {
        digest: `plugin config ${config.id}`,
        hosts: { githubToken, gitlabToken, npmToken },
        transform: transformer.transform,
        downloadFolder: join(settings.data, "downloads"),
      }),
    open: (config) =>
      openSource(config.source, {
        hosts: { githubToken, gitlabToken, npmToken },
        downloads: downloadFolder(join(settings.data, "downloads")),
      }),
    [Symbol.asyncDispose]: () => transformer[Symbol.asyncDispose](),
  };
}
