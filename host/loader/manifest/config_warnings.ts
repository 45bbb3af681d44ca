/**
 * Finds where a plugin's configuration does not match its plugin.json. As in PostHog, none of it keeps the plugin from
 * running, but the operator is told.
 * @module
 */

import type { PluginConfig } from "../../config/config.ts";
import type { Manifest } from "../plugin.ts";
import { nearest } from "../validate/problem.ts";

/** One sentence for each missing value, and for each value that the plugin does not declare. */
export function configWarnings(
  { config: fields }: Pick<Manifest, "config">,
  { config, attachments }: Pick<PluginConfig, "config" | "attachments">,
): string[] {
  const keys = fields.flatMap(({ key }) => key ?? []);
  const missing = fields.filter(({ key, type, required, default: preset }) => {
    if (!required || key === undefined) return false;
    if (type === "attachment") return !Object.hasOwn(attachments, key);
    const value = Object.hasOwn(config, key) ? config[key] : preset;
    return value === undefined || value === null || value === "";
  });
  const isAttachment = (name: string) => fields.some(({ key, type }) => key === name && type === "attachment");
  // A plugin that declares no fields may read any key.
  const unknown = keys.length === 0 ? [] : Object.keys(config).filter((key) => !keys.includes(key));
  const unknownFiles = Object.keys(attachments).filter((key) => !isAttachment(key));
  return [
    ...missing.map(({ key, type }) =>
      `The configuration has no ${
        type === "attachment" ? "attachment" : "value for"
      } "${key}", which the plugin requires`
    ),
    ...unknown.map((key) => `The configuration has "${key}", which plugin.json does not name${meant(key, keys)}`),
    ...unknownFiles.map((key) =>
      `The configuration has the attachment "${key}", which plugin.json does not name${
        meant(key, keys.filter(isAttachment))
      }`
    ),
  ];
}

function meant(key: string, keys: string[]): string {
  const name = nearest(key, keys);
  return name === null ? "" : `: did you mean "${name}"?`;
}
