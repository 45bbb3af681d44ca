/**
 * The configuration without a hogpen.json: one project with two of the plugins that ship with the service.
 * @module
 */

import { fileURLToPath } from "node:url";
import { destinationOptions } from "../destinations/destination_options.ts";
import { toUpstream } from "./upstream.ts";
import type { HogpenConfig } from "./config.ts";
import type { ConfigDefaults } from "./read_config.ts";

/** The token of the default project; the first thing that a new user types. */
export const LOCAL_TOKEN = "phc_local";

export interface DefaultUpstream {
  upstreamHost: string | null;
  upstreamApiKey: string | null;
}

/** With an upstream, the project's token is its key there, and all events are forwarded to it. */
export function defaultConfig(
  defaults: ConfigDefaults,
  { upstreamHost, upstreamApiKey }: DefaultUpstream = { upstreamHost: null, upstreamApiKey: null },
): HogpenConfig {
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
  const project = { id: 1, name: "Local", anonymizeIps: false, isolation: "each" as const, plugins };
  if (upstreamHost === null || upstreamApiKey === null) {
    return { projects: [{ ...project, token: LOCAL_TOKEN, destinations: [] }] };
  }
  const options = destinationOptions.posthog.parse({ host: upstreamHost, api_key: upstreamApiKey });
  return {
    projects: [{
      ...project,
      token: upstreamApiKey,
      destinations: [{ id: "posthog", type: "posthog", enabled: true, filter: {}, options }],
      upstream: toUpstream({ type: "posthog", host: upstreamHost }),
    }],
  };
}
