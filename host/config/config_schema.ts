/**
 * The shape of hogpen.json. The JSON Schema for editors is generated from it.
 * @module
 */

import { z } from "zod";
import { upstreamSchema } from "./upstream.ts";
import { destinationOptions } from "../destinations/destination_options.ts";

const id = z.int().min(1).max(2_147_483_647);

const source = z.union([
  z.string().min(1),
  z.strictObject({ inline: z.string().min(1), name: z.string().min(1).optional() }),
]).describe(
  "A folder, .zip or .tgz (relative to this file), the URL of a GitHub or GitLab repository or an npm package, or the code itself",
);

/**
 * An address or name, optionally with the only port that is meant: 10.1.2.3:5432, 10.0.0.0/8, *.internal.example,
 * [fd00::1]:443.
 */
const egressTarget = z.string().regex(
  /^(?:\[[0-9a-fA-F:.]+\](?:\/\d{1,3})?|(?:\*\.)?[A-Za-z0-9._-]+(?:\/\d{1,2})?)(?::\d{1,5})?$/,
  "expected an address, network or host name, with :port or without",
);

export const pluginConfigSchema = z.strictObject({
  id: id.describe("Unique in the whole file; storage, cache and logs of the plugin belong to it"),
  source,
  enabled: z.boolean().default(true),
  order: z.number().default(0).describe("Ascending; plugins of the same order run as they stand in this file"),
  config: z.record(z.string(), z.unknown()).default({}).describe("Values for the fields that plugin.json names"),
  attachments: z.record(z.string(), z.string().min(1)).default({})
    .describe("Paths of files (relative to this file) by the field that plugin.json names"),
  timeoutSeconds: z.number().min(0.05).max(3600).optional().describe("How long a call may take"),
  memoryMb: z.int().min(96).max(65_536).optional()
    .describe("Most memory of the plugin's process; 71 MB of it are there before any plugin"),
  egress: z.strictObject({
    allow: z.array(egressTarget).default([])
      .describe("Private addresses, networks and names that the plugin may reach, e.g. 10.1.2.3:5432"),
  }).prefault({}),
  cell: z.string().min(1).max(100).nullable().default(null)
    .describe(
      "Plugins of this project with the same name, and the same egress, share a process and its fate; faster, but a trust boundary: " +
        "only for plugins that may know each other's secrets",
    ),
});

const filter = z.strictObject({
  events: z.array(z.string()).optional().describe("Names of the events that go there; all when absent"),
  properties: z.record(z.string(), z.unknown()).optional()
    .describe("Properties that an event must have, with these values"),
}).prefault({});

function destination<Type extends keyof typeof destinationOptions>(type: Type) {
  return z.strictObject({
    id: z.string().regex(/^[A-Za-z0-9_-]{1,100}$/, "expected 1 to 100 letters, digits, _ or -")
      .describe("Unique within the project; its place in the events belongs to it"),
    type: z.literal(type),
    enabled: z.boolean().default(true),
    filter,
    ...destinationOptions[type].shape,
  });
}

export const destinationSchema = z.discriminatedUnion("type", [
  destination("posthog"),
  destination("postgres"),
  destination("webhook"),
  destination("ndjson"),
]);

export const projectSchema = z.strictObject({
  id: id.describe("The team_id of its events"),
  name: z.string().min(1).optional(),
  token: z.string().regex(
    /^(?!phx_)[\x21-\x7e]{1,64}$/,
    "expected 1 to 64 ASCII characters that do not start with phx_",
  )
    .describe("What SDKs send as api_key"),
  anonymizeIps: z.boolean().default(false).describe("Leave IP addresses out of events"),
  isolation: z.enum(["each", "shared"]).default("each").describe(
    "each: a process for every plugin; shared: one for neighbours of the chain that import no packages and have the same limits. " +
      "Faster and smaller, with walls of JavaScript between them; a plugin that misbehaves gets a process of its own for a day",
  ),
  plugins: z.array(pluginConfigSchema).default([]),
  destinations: z.array(destinationSchema).default([]),
  upstream: upstreamSchema.optional().describe(
    "The PostHog behind this project: what is not capture passes to it, and its destination takes host and key from here",
  ),
});

/** The whole file, after references have been replaced. config_conflicts.ts checks what must be unique in it. */
export const configSchema = z.strictObject({
  $schema: z.string().optional(),
  projects: z.array(projectSchema).min(1),
});

export type ConfigFile = z.output<typeof configSchema>;
