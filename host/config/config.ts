/**
 * The content of hogpen.json after validation, with secrets and attachments read and defaults filled in.
 * @module
 */

import type { Upstream } from "./upstream.ts";

/** A destination as configured. Each `type` has further fields, validated by its own schema. */
export interface DestinationConfig {
  /** Unique within the project. */
  id: string;
  type: "posthog" | "postgres" | "webhook" | "ndjson";
  enabled: boolean;
  /** Which events go there; absent lists match every event. */
  filter: { events?: string[]; properties?: Record<string, unknown> };
  /** The fields of the type. They may hold secrets and are never shown. */
  options: Record<string, unknown>;
}

export interface PluginConfig {
  /** Unique in the whole file. */
  id: number;
  teamId: number;
  /** A folder, .zip, .tgz or URL; or the code itself. */
  source: string | { inline: string; name?: string };
  enabled: boolean;
  /** Ascending; ties keep the file's order. */
  order: number;
  config: Record<string, unknown>;
  attachments: Record<string, { content_type: string; file_name: string; contents: Uint8Array }>;
  /** The time limit of a call in seconds; may be fractional. */
  timeoutSeconds: number;
  memoryMb: number;
  egress: { allow: string[] };
  /** Plugin configs of one project with the same name share a cell, and end with it. Null: a cell of its own. */
  cell: string | null;
}

export interface ProjectConfig {
  /** The `team_id` of its events. */
  id: number;
  name: string;
  /** What SDKs send as api_key. */
  token: string;
  anonymizeIps: boolean;
  /**
   * `each`: a process for every plugin config; `shared`: one for neighbours of the chain that can share it, while they
   * behave.
   */
  isolation: "each" | "shared";
  plugins: PluginConfig[];
  destinations: DestinationConfig[];
  /** The PostHog to which everything but capture is passed. */
  upstream?: Upstream;
  /** What belongs to the project but cannot be opened here. While there are such plugins, its events must wait. */
  unreadable?: UnreadableThings;
}

/** What was made through the API and sealed with a key that this host does not have. */
export interface UnreadableThings {
  /** Ids of plugin configs. Whether they are enabled cannot be known. */
  plugins: number[];
  /** Ids of destinations. */
  destinations: string[];
  /** Why one of them cannot be opened. */
  reason: string;
}

export interface HogpenConfig {
  projects: ProjectConfig[];
}
