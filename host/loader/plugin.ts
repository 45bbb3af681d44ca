/**
 * A plugin as read from its source: its manifest, and its code ready for a sandbox.
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
  /** Conditions of the form, as `[key, value]` pairs of other fields, kept as written. */
  visible_if?: unknown;
  required_if?: unknown;
}

/** The types that the form distinguishes; any other type is a line of text. */
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
  /** Our own field: cron expressions (UTC) by the name of an exported function. */
  schedule: Record<string, string>;
  /** Problems in plugin.json that did not keep it from being read, one per line. */
  warnings?: string[];
}

export interface LoadedPlugin {
  manifest: Manifest;
  /** Path of the entry within the plugin. */
  main: string;
  /** CommonJS code with loop guards, by path; JSON files unchanged. This is what `PluginSpec.files` carries. */
  files: Record<string, string>;
  /** npm packages that it imports and that must be installed. */
  packages: string[];
  /** Whether its code uses `$plugins_succeeded` or `$plugins_failed`. */
  readsMarks: boolean;
  /** SHA-256 in hexadecimal; changes when the source changes. */
  revision: string;
  /** Rewrites frames of a sandbox's stack to the plugin's own files, lines and columns, and drops the others. */
  mapStack(stack: string): string;
}

/**
 * Why a plugin could not be loaded, in words for its author. `record.stack` names file, line and column when they are
 * known.
 */
export class PluginLoadError extends Error {
  override name = "PluginLoadError";
  constructor(readonly record: ErrorRecord, options?: ErrorOptions) {
    super(record.message, options);
  }
}
