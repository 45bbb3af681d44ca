/**
 * The things that are made through the API, as the store keeps them: the same entries as in hogpen.json, encrypted if
 * they may contain secrets.
 * @module
 */

import { z } from "zod";
import { inheritUpstream, type Upstream } from "../config/upstream.ts";
import { destinationSchema, pluginConfigSchema, projectSchema } from "../config/config_schema.ts";

/**
 * The ids of projects and plugin configs that are made through the API begin here, so that they do not collide with ids
 * in hogpen.json.
 */
export const FIRST_ID = 1_000_001;

export const projectValue = projectSchema.omit({ plugins: true, destinations: true });
export type ProjectValue = z.infer<typeof projectValue>;

/** In hogpen.json `attachments` names files. Here their contents are stored apart from the entry. */
export const pluginEntry = pluginConfigSchema.omit({ id: true, attachments: true });
export type PluginValue = z.infer<typeof pluginEntry>;

const attachment = z.object({ file_name: z.string(), content_type: z.string(), size: z.number(), blob: z.string() });
export type AttachmentValue = z.infer<typeof attachment>;

/** A stored plugin config. Its project and its files are listed openly; the entry itself is encrypted. */
export const storedPlugin = z.object({
  teamId: z.number(),
  /** An uploaded archive, which takes the place of the entry's source. */
  archive: z.string().nullable(),
  attachments: z.record(z.string(), attachment),
  sealed: z.string(),
});
export type StoredPlugin = z.infer<typeof storedPlugin>;

export const storedDestination = z.object({ teamId: z.number(), sealed: z.string() });
/** Stored as it was given. Fields that come from the project's upstream are filled in when it is used. */
export const destinationValue = z.looseObject({ id: z.string(), type: z.string() });
export type DestinationValue = z.infer<typeof destinationValue>;

/**
 * Adds to a destination what it takes from its project's upstream.
 * @throws ZodError
 */
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
