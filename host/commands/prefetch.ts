/**
 * `prefetch`: fetches packages ahead of time, for example for an image or a machine without a network.
 * @module
 */

import { mkdir } from "node:fs/promises";
import { builtSandbox } from "../cells/process/built_sandbox.ts";
import { loadConfig } from "../config/load_config.ts";
import { ConfigError } from "../config/read_config.ts";
import { PluginLoadError } from "../loader/plugin.ts";
import { getPackages, PackageError } from "../packages/get_packages.ts";
import { PACKAGE_GROUPS, packagesOf } from "../packages/package_groups.ts";
import { createPluginLoader } from "../service/load_plugins.ts";
import { isExporting } from "../exporting.ts";
import type { GivenSettings } from "./program/settings_options.ts";
import { CommandError, EXIT_USAGE, terminal } from "./program/terminal.ts";

export interface PrefetchCommand {
  /** Includes packages that no configured plugin imports, and those of commands other than start. */
  all?: boolean;
}

/**
 * Rejects with a CommandError if the configuration cannot be read, a plugin cannot be loaded or a package cannot be
 * fetched.
 */
export async function prefetch({ all = false }: PrefetchCommand, given: GivenSettings): Promise<void> {
  const names = all
    ? packagesOf(["service", "plugins", "tracing", "kafka", "scripts", "bundle", "ui", "jest"])
    : await packagesFor(given).catch((error) => {
      throw error instanceof ConfigError ? new CommandError(error.message, EXIT_USAGE, { cause: error }) : error;
    });
  const options = all ? { what: "everything that may be needed" } : { purpose: "in advance" };
  await getPackages(names, { ...options, onNotice: terminal.note }).catch((error) => {
    throw error instanceof PackageError ? new CommandError(error.message, undefined, { cause: error }) : error;
  });
  // A start may not be able to write it.
  await builtSandbox();
  terminal.print(names.length === 0 ? "No plugin imports a package" : `Installed: ${names.join(", ")}`);
}

/** The packages that a start with these settings would need. To find out, archives of plugins are downloaded too. */
async function packagesFor({ settings, configGiven }: GivenSettings): Promise<string[]> {
  const config = await loadConfig(settings, configGiven);
  await mkdir(settings.data, { recursive: true });
  await using loader = await createPluginLoader(settings);
  const names = new Set<string>(settings.kafka === null ? [] : PACKAGE_GROUPS.kafka);
  if (isExporting()) { for (const name of PACKAGE_GROUPS.tracing) names.add(name); }
  for (const plugin of config.projects.flatMap(({ plugins }) => plugins)) {
    try {
      for (const name of (await loader.load(plugin)).packages) names.add(name);
    } catch (error) {
      if (!(error instanceof PluginLoadError)) throw error;
      throw new CommandError(`Cannot load plugin config ${plugin.id}: ${error.message}`, EXIT_USAGE, { cause: error });
    }
  }
  return [...names].sort();
}
