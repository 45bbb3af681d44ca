/**
 * What is made through the API, as the store keeps it: the same entries as in hogpen.json, sealed where they may hold secrets.
 * @module
 */

import { z } from "zod";
import { inheritUpstream, type Upstream } from "../config/upstream.ts";
import { destinationSchema, pluginConfigSchema, projectSchema } from "../config/config_schema.ts";

/** Ids of projects and plugin configs of the API begin here, so that they never meet those of a file. */
export const FIRST_ID = 1_000_001;

export const projectValue = projectSchema.omit({ plugins: true, destinations: true });
export type ProjectValue = z.infer<typeof projectValue>;

/** `attachments` are files of their own here. */
export const pluginEntry = pluginConfigSchema.omit({ id: true, attachments: true });
export type PluginValue = z.infer<typeof pluginEntry>;

const attachment = z.object({ file_name: z.string(), content_type: z.string(), size: z.number(), blob: z.string() });
export type AttachmentValue = z.infer<typeof attachment>;

/** The thing of a plugin config: whose it is stands open, the rest is sealed. */
export const storedPlugin = z.object({
  teamId: z.number(),
  /** An uploaded archive instead of the entry's source. */
  archive: z.string().nullable(),
  attachments: z.record(z.string(), attachment),
  sealed: z.string(),
});
export type StoredPlugin = z.infer<typeof storedPlugin>;

export const storedDestination = z.object({ teamId: z.number(), sealed: z.string() });
/** As it was given: what it leaves to the project's upstream is filled in when it is used. */
export const destinationValue = z.looseObject({ id: z.string(), type: z.string() });
export type DestinationValue = z.infer<typeof destinationValue>;

/** A destination with what it takes from its project's upstream. @throws ZodError */
export function completeDestination(
  entry: DestinationValue,
  { token, upstream }: { token: string; upstream?: Upstream },
): z.output<typeof destinationSchema> {
  if (upstream === undefined) return destinationSchema.parse(entry);
  return destinationSchema.parse(inheritUpstream(entry, { host: upstream.host, apiKey: upstream.apiKey ?? token }));
}

export const KINDS = {
  project: "project",
  plugin: "plugin_config",
  destination: "destination",
  blob: "blob",
  revision: "revision",
} as const;
