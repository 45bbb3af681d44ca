/**
 * Loads the configuration that the settings name: the file, or the default one without a file.
 * @module
 */

import type { HogpenConfig } from "./config.ts";
import { defaultConfig } from "./default_config.ts";
import { readConfig } from "./read_config.ts";
import type { Settings } from "./settings.ts";

/** `configGiven` says that the file was named explicitly, so that its absence is an error. Rejects with ConfigError. */
export async function loadConfig(
  settings:
    & Pick<Settings, "config" | "taskTimeout" | "pluginMemoryMb">
    & Partial<Pick<Settings, "upstreamHost" | "upstreamApiKey">>,
  configGiven: boolean,
): Promise<HogpenConfig> {
  const defaults = { timeoutSeconds: settings.taskTimeout, memoryMb: settings.pluginMemoryMb };
  if (!configGiven && await Deno.stat(settings.config).catch(() => null) === null) {
    return defaultConfig(defaults, {
      upstreamHost: settings.upstreamHost ?? null,
      upstreamApiKey: settings.upstreamApiKey ?? null,
    });
  }
  return await readConfig(settings.config, defaults);
}
