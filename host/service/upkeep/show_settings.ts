/**
 * The settings in force, in the form in which the API may show them.
 * @module
 */

import type { Setting } from "../../config/setting_kinds.ts";
import { SETTINGS, type Settings } from "../../config/settings.ts";
import type { ShownSetting } from "../../http/routes/settings.ts";

export function showSettings(settings: Settings): ShownSetting[] {
  const values: Record<string, unknown> = settings;
  return Object.entries<Setting<unknown>>(SETTINGS).map(([name, { env, help, secret, default: preset }]) => ({
    name,
    env,
    help,
    value: secret ? null : values[name] ?? null,
    secret,
    set: JSON.stringify(values[name]) !== JSON.stringify(preset),
  }));
}
