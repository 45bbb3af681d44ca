/**
 * What operators made through the API, and who changed what. A change and its line in the audit are written together or not at all.
 * @module
 */

import type { Page } from "./store.ts";

/** A thing of the API: its value is JSON text that its owner understands. */
export interface Thing {
  kind: string;
  id: string;
  /** Differs after each change. */
  version: number;
  value: string;
  updatedAt: number;
}

export interface ThingChange {
  kind: string;
  id: string;
  /** Null removes it. */
  value: string | null;
  /** The version it must have for the change to take place; 0: it must not exist; absent: whatever it is. */
  ifVersion?: number;
}

export interface NewAuditEntry {
  actor: string;
  /** `create`, `change`, `delete`, `restart`, … */
  action: string;
  /** `plugin_configs/39` */
  target: string;
  /** JSON texts without secrets; null when there is nothing to say. */
  before: string | null;
  after: string | null;
}

export interface AuditEntry extends NewAuditEntry {
  id: string;
  at: number;
}

export interface Things {
  list(kind: string): Promise<Thing[]>;
  get(kind: string, id: string): Promise<Thing | null>;
  /** A text that is another one after each change of a thing of the kind. */
  stamp(kind: string): Promise<string>;
  /** All or nothing, with the entries of the audit. Resolves with the changes that found another version: then nothing was changed. */
  change(changes: ThingChange[], audit: NewAuditEntry[]): Promise<Thing[] | ThingConflict>;
}

/** What stood in the way of a change. */
export interface ThingConflict {
  conflict: Pick<ThingChange, "kind" | "id">;
}

export interface Audit {
  /** Newest first. */
  list(filter: {
    actor?: string;
    target?: string;
    action?: string;
    before?: number;
    after?: number;
    limit: number;
    next?: string;
  }): Promise<Page<AuditEntry>>;
  prune(before: number): Promise<void>;
}
