/**
 * A loaded plugin with its configuration, as it is sent to a cell.
 * @module
 */

import { Buffer } from "node:buffer";
import type { PluginSpec } from "../../runtime/protocol.ts";
import type { PluginConfig } from "../config/config.ts";
import { mergeDefaults } from "./manifest/manifest.ts";
import type { LoadedPlugin } from "./plugin.ts";

/** The contents of attachments are sent as base64. */
export function pluginSpec(plugin: LoadedPlugin, config: PluginConfig): PluginSpec {
  return {
    pluginConfigId: config.id,
    teamId: config.teamId,
    name: plugin.manifest.name,
    files: plugin.files,
    main: plugin.main,
    config: mergeDefaults(plugin.manifest, config.config),
    attachments: Object.fromEntries(
      Object.entries(config.attachments).map(([key, { contents, ...about }]) => [
        key,
        { ...about, contents: Buffer.from(contents).toString("base64") },
      ]),
    ),
    scheduledTasks: Object.keys(plugin.manifest.schedule),
  };
}
