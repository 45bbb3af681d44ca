/**
 * `check`: reads the configuration and loads every plugin, without running any.
 * @module
 */

import { mkdir } from "node:fs/promises";
import { loadConfig } from "../config/load_config.ts";
import type { Command } from "../config/parse_args.ts";
import { ConfigError } from "../config/read_config.ts";
import { PluginLoadError } from "../loader/plugin.ts";
import { createPluginLoader } from "../service/load_plugins.ts";

/** Resolves with the exit code: 2 when something is wrong with the configuration or a plugin. */
export async function check(
  { settings, configGiven }: Extract<Command, { command: "start" | "check" }>,
): Promise<number> {
  try {
    const config = await loadConfig(settings, configGiven);
    await mkdir(settings.data, { recursive: true });
    await using loader = await createPluginLoader(settings);
    let broken = 0;
    for (const plugin of config.projects.flatMap(({ plugins }) => plugins)) {
      try {
        const { manifest } = await loader.load(plugin);
        console.log(`plugin config ${plugin.id}: ${manifest.name}, ok`);
      } catch (error) {
        if (!(error instanceof PluginLoadError)) throw error;
        broken++;
        console.error(`plugin config ${plugin.id}: ${error.record.stack ?? error.record.message}`);
      }
    }
    if (broken === 0) console.log("The configuration is in order");
    return broken === 0 ? 0 : 2;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    return 2;
  }
}
