/// <reference lib="dom" />
/**
 * The API's answers, as far as the page reads them.
 * @module
 */

export interface List<T> {
  results: T[];
  next?: string | null;
  total?: number | null;
}

/** A field of plugin.json. */
export interface Field {
  key?: string;
  name?: string;
  type?: string;
  hint?: string;
  markdown?: string;
  default?: unknown;
  choices?: string[];
  secret?: boolean;
  required?: boolean;
  visible_if?: unknown;
  required_if?: unknown;
}

export interface PublicJob {
  payload: Record<string, { type: string; title?: string; required?: boolean; default?: unknown }>;
}

export interface App {
  id: number;
  team_id: number;
  name: string;
  description: string;
  does: string[];
  source: string;
  enabled: boolean;
  managed_by: "file" | "api";
  version: number | null;
  secrets_set: string[];
  order: number;
  state: string;
  reason: string | null;
  /** Why it has a process of its own for a day, though its project shares them. */
  apart: string | null;
  config: Record<string, unknown>;
  attachments: Record<string, { file_name: string; size?: number }>;
  config_schema: Field[];
  public_jobs: Record<string, PublicJob>;
  schedule: Record<string, string>;
  memory_bytes: number | null;
  restarts: { at: string; reason: string }[];
}

export interface Project {
  id: number;
  name: string;
  token: string;
  anonymize_ips: boolean;
  upstream: { host: string; assets_host: string; api_key: string | null } | null;
  managed_by: "file" | "api";
  version: number | null;
}

export interface StoredEvent {
  cursor: string;
  uuid: string;
  event: string;
  distinct_id: string;
  taken_at: string;
  succeeded: string[];
  failed: string[];
  payload: unknown;
}

/** A destination of a project's events. */
export interface Destination {
  id: string;
  team_id: number;
  type: string;
  enabled: boolean;
  target: string;
  /** Null if the destination is defined in the configuration file. */
  options: Record<string, unknown> | null;
  managed_by: "file" | "api";
  version: number | null;
}

export interface Totals {
  subject: string;
  fields: Record<string, number | null>;
}

/** Counters over time. */
export interface SeriesAnswer extends List<Series> {
  from: string;
  every_seconds: number;
}

export interface Series {
  subject: string;
  fields: Record<string, (number | null)[]>;
}

export interface Job {
  id: string;
  kind: string;
  type: string;
  plugin_config_id: number;
  state: string;
  attempt: number;
  max_attempts: number;
  run_at: string;
  last_error: string | null;
  payload: unknown;
}
