/**
 * Loading the plugin of a plugin config, with what the settings say of caches and tokens.
 * @module
 */

import { join } from "node:path";
import type { PluginConfig } from "../config/config.ts";
import type { Settings } from "../config/settings.ts";
import { loadPlugin } from "../loader/load_plugin.ts";
import type { LoadedPlugin } from "../loader/plugin.ts";
import { createTransformer } from "../loader/compile/transformer.ts";

export interface PluginLoader extends AsyncDisposable {
  /** Rejects with PluginLoadError. */
  load(config: PluginConfig): Promise<LoadedPlugin>;
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
    [Symbol.asyncDispose]: () => transformer[Symbol.asyncDispose](),
  };
}
