/// <reference lib="dom" />
/**
 * The answers of the API, as far as the page reads them.
 * @module
 */

export interface List<T> {
  results: T[];
}

export interface Field {
  key?: string;
  name?: string;
  type?: string;
  hint?: string;
  choices?: string[];
  secret?: boolean;
  required?: boolean;
}

export interface App {
  id: number;
  team_id: number;
  name: string;
  description: string;
  does: string[];
  enabled: boolean;
  managed_by: "file" | "api";
  version: number | null;
  secrets_set: string[];
  order: number;
  state: string;
  reason: string | null;
  config: Record<string, unknown>;
  config_schema: Field[];
  memory_bytes: number | null;
}

export interface Project {
  id: number;
  name: string;
  token: string;
}

export interface StoredEvent {
  cursor: string;
  event: string;
  distinct_id: string;
  taken_at: string;
  succeeded: string[];
  failed: string[];
  payload: unknown;
}

export interface Totals {
  subject: string;
  fields: Record<string, number | null>;
}
