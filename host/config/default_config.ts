/**
 * What runs when there is no hogpen.json: one project with two of the plugins that ship with the service.
 * @module
 */

import { fileURLToPath } from "node:url";
import type { HogpenConfig } from "./config.ts";
import type { ConfigDefaults } from "./read_config.ts";

/** The token of the one project; the first thing a visitor types. */
export const LOCAL_TOKEN = "phc_local";

export function defaultConfig(defaults: ConfigDefaults): HogpenConfig {
  const plugins = ["hello_world", "user_agent"].map((name, index) => ({
    id: index + 1,
    teamId: 1,
    source: fileURLToPath(new URL(`../../plugins/${name}`, import.meta.url)),
    enabled: true,
    order: index,
    config: {},
    attachments: {},
    ...defaults,
    egress: { allow: [] },
    cell: null,
  }));
  return {
    projects: [{ id: 1, name: "Local", token: LOCAL_TOKEN, anonymizeIps: false, plugins, destinations: [] }],
  };
}
