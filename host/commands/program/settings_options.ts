/**
 * The settings of the process as options of a command. They are generated from the table of settings, so that only the
 * table has to be changed.
 * @module
 */

import { type Command, Option } from "commander";
import { trustCertificates } from "../../ca_certificates.ts";
import { readSettings } from "../../config/read_settings.ts";
import { flagOf, SETTINGS, type Settings } from "../../config/settings.ts";
import type { Setting } from "../../config/setting_kinds.ts";

export interface GivenSettings {
  settings: Settings;
  /** True if the configuration was named explicitly, so that its absence is an error. */
  configGiven: boolean;
}

/** Every setting, with its variable and its default for the help text. A dozen commands have them all. */
const OPTIONS = Object.entries<Setting<unknown>>(SETTINGS).map(([name, setting]) => {
  const value = typeof setting.default === "boolean" ? "[yes|no]" : "<value>";
  return new Option(`${flagOf(name)} ${value}`, `${setting.help} [${setting.env}] (${setting.shownDefault})`)
    .helpGroup("Settings, as flag or as environment variable; in brackets the default:");
});

/** Adds the settings to a command. */
export function addSettings(command: Command): Command {
  for (const option of OPTIONS) command.addOption(option);
  return command;
}

/**
 * Reads the command's options and the variables. From then on, the configured certificates are trusted. Throws a
 * UsageError.
 */
export function givenSettings(options: Record<string, unknown>, env = envVariable): GivenSettings {
  const flags = new Map(
    Object.keys(SETTINGS).filter((name) => options[name] !== undefined).map((name) => {
      const value = options[name];
      return [name, value === true ? "yes" : String(value)] as const;
    }),
  );
  const settings = readSettings(flags, env);
  if (settings.caCerts !== null) trustCertificates(settings.caCerts);
  return {
    settings,
    configGiven: flags.has("config") || Boolean(env(SETTINGS.config.env)),
  };
}

function envVariable(name: string): string | undefined {
  return Deno.env.get(name);
}
