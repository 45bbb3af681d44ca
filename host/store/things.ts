/**
 * What operators made through the API, and who changed what. A change and its audit entry are written together or not
 * at all.
 * @module
 */

import type { Page } from "./store.ts";

/** A thing of the API. Its value is JSON text that only its owner interprets. */
export interface Thing {
  kind: string;
  id: string;
  /** Different after each change. */
  version: number;
  value: string;
  updatedAt: number;
}

export interface ThingChange {
  kind: string;
  id: string;
  /** Null removes the thing. */
  value: string | null;
  /**
   * The version that the thing must have for the change to take place; 0 means that it must not exist. When absent, any
   * version will do.
   */
  ifVersion?: number;
}

export interface NewAuditEntry {
  actor: string;
  /** `create`, `change`, `delete`, `restart`, … */
  action: string;
  /** `plugin_configs/39` */
  target: string;
  /** JSON texts without secrets; null when there is nothing to record. */
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
  /** A text that changes with every change of a thing of this kind. */
  stamp(kind: string): Promise<string>;
  /**
   * Makes all changes or none, together with their audit entries. Resolves with the changes that found a different
   * version; if there are any, nothing was changed.
   */
  change(changes: ThingChange[], audit: NewAuditEntry[]): Promise<Thing[] | ThingConflict>;
}

/** A change that was not made, and why. */
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
