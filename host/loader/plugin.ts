/**
 * A plugin as read from its source: what plugin.json says, and its code ready for a sandbox.
 * @module
 */

import type { ErrorRecord } from "../../runtime/errors.ts";

/** A field of `config` in plugin.json, from the array or the object form. Entries without key are display only. */
export interface ConfigField {
  key?: string;
  name?: string;
  type?: FieldType;
  default?: unknown;
  hint?: string;
  markdown?: string;
  order?: number;
  required?: boolean;
  secret?: boolean;
  choices?: string[];
  /** Conditions of the form, as `[key, value]` pairs of other fields; kept as they are written. */
  visible_if?: unknown;
  required_if?: unknown;
}

/** What the form shows; every other type is a line of text. */
export const FIELD_TYPES = ["string", "multiline", "boolean", "choice", "json", "dictionary", "attachment"] as const;
export type FieldType = typeof FIELD_TYPES[number];

/** A job that may be started through the API; payload fields by name. */
export interface PublicJob {
  payload: Record<
    string,
    { type: string; required?: boolean; title?: string; default?: unknown; staff_only?: boolean }
  >;
}

export interface Manifest {
  name: string;
  description: string;
  url?: string;
  main?: string;
  config: ConfigField[];
  publicJobs: Record<string, PublicJob>;
  /** Ours: cron expressions (UTC) by the name of an exported function. */
  schedule: Record<string, string>;
  /** What in plugin.json is not as it should be and was read all the same, a line each. */
  warnings?: string[];
}

export interface LoadedPlugin {
  manifest: Manifest;
  /** Path of the entry within the plugin. */
  main: string;
  /** CommonJS code by path, with loop guards; JSON files as they are. What `PluginSpec.files` carries. */
  files: Record<string, string>;
  /** npm packages that it imports, of those that have to be installed. */
  packages: string[];
  /** Its code names `$plugins_succeeded` or `$plugins_failed`. */
  readsMarks: boolean;
  /** Changes when the source changes. Hex SHA-256. */
  revision: string;
  /** Rewrites frames of the sandbox's stack to the plugin's own files, lines and columns, and leaves out the others. */
  mapStack(stack: string): string;
}

/** Why a plugin could not be loaded, in words for its author; `record.stack` names file, line and column if known. */
export class PluginLoadError extends Error {
  override name = "PluginLoadError";
  constructor(readonly record: ErrorRecord, options?: ErrorOptions) {
    super(record.message, options);
  }
}
