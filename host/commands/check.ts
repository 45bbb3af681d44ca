/**
 * `check`: reads the configuration and loads every plugin without running any.
 * @module
 */

import { mkdir } from "node:fs/promises";
import { loadConfig } from "../config/load_config.ts";
import { ConfigError } from "../config/read_config.ts";
import { configWarnings } from "../loader/manifest/config_warnings.ts";
import { PluginLoadError } from "../loader/plugin.ts";
import { createPluginLoader } from "../service/load_plugins.ts";
import type { GivenSettings } from "./program/settings_options.ts";
import { CommandError, EXIT_USAGE, terminal } from "./program/terminal.ts";

/** Sets the exit code: 2 if something is wrong with the configuration or a plugin. Rejects with a CommandError. */
export async function check(
  { settings, configGiven }: GivenSettings,
): Promise<void> {
  try {
    const config = await loadConfig(settings, configGiven);
    await mkdir(settings.data, { recursive: true });
    await using loader = await createPluginLoader(settings);
    let broken = 0;
    for (const plugin of config.projects.flatMap(({ plugins }) => plugins)) {
      try {
        const { manifest } = await loader.load(plugin);
        terminal.print(`plugin config ${plugin.id}: ${manifest.name}, ok`);
        const warnings = [
          ...(manifest.warnings ?? []).map((line) => `plugin.json: ${line}`),
          ...configWarnings(manifest, plugin),
        ];
        for (const warning of warnings) {
          terminal.note(
            `plugin config ${plugin.id}: ${manifest.name}: ${terminal.noteColors.yellow("warning")}: ${warning}`,
          );
        }
      } catch (error) {
        if (!(error instanceof PluginLoadError)) throw error;
        broken++;
        terminal.note(`plugin config ${plugin.id}: ${error.record.stack ?? error.record.message}`);
      }
    }
    if (broken === 0) terminal.print("The configuration is in order");
    else Deno.exitCode = EXIT_USAGE;
  } catch (error) {
    throw error instanceof ConfigError ? new CommandError(error.message, EXIT_USAGE, { cause: error }) : error;
  }
}
