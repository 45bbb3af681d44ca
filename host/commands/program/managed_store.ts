/**
 * Access to the configuration and the store for commands that do not go through a running service.
 * @module
 */

import type { HogpenConfig } from "../../config/config.ts";
import { loadConfig } from "../../config/load_config.ts";
import { ConfigError } from "../../config/read_config.ts";
import type { Settings } from "../../config/settings.ts";
import type { ManagedThings } from "../../managed/managed_things.ts";
import { openStore } from "../../service/back_ends.ts";
import { openDataFolder } from "../../service/upkeep/data_folder.ts";
import { openManaged } from "../../service/upkeep/managed.ts";
import { CommandError, EXIT_USAGE, terminal } from "./terminal.ts";

/** The configuration in hogpen.json, or the one that runs without a file. Rejects with a CommandError. */
export async function readOwnConfig(settings: Settings, configGiven: boolean): Promise<HogpenConfig> {
  return await withConfigErrors(() => loadConfig(settings, configGiven));
}

/** An invalid configuration is for the user to fix, so the error becomes a CommandError. */
export async function withConfigErrors<T>(read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw error instanceof ConfigError ? new CommandError(error.message, EXIT_USAGE, { cause: error }) : error;
  }
}

/** Opens what was made through the API. This also works while the service is running. */
export async function withManaged(settings: Settings, use: (things: ManagedThings) => Promise<void>): Promise<void> {
  await openDataFolder(settings.data);
  await using store = await openStore(settings);
  const { managed } = await openManaged(settings, store, { warn: (line) => terminal.note(line) });
  await use(managed);
}
