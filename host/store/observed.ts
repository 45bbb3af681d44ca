/**
 * What the store keeps about what happened: counters over time, failures by kind, and single events worth showing. All
 * of it is bounded, and its last seconds may be lost when the host dies.
 * @module
 */

import type { Page } from "./store.ts";

/** Numbers by name; zeros are left out. */
export type Point = Record<string, number>;

/** The seconds that one point covers. */
export const STEPS = [10, 60, 3600] as const;
export type Step = typeof STEPS[number];

export interface SeriesRow {
  /** What was counted: `plugin:39/processEvent`, `consumer:onEvent:39`, `project:1`. */
  subject: string;
  step: Step;
  /** The start of the step, in milliseconds since the epoch. */
  at: number;
  point: Point;
}

export interface SeriesSpan {
  step: Step;
  /** From `from`, inclusive, up to `to`, exclusive. */
  from: number;
  to: number;
  /** The milliseconds that one row of the answer covers; a multiple of the step. */
  every: number;
}

/**
 * Counters over time. Each run of a host writes its own points, so that neither a restart nor another host overwrites
 * them.
 */
export interface Series {
  /** Replaces what this run wrote for the same subject, step and time. */
  put(run: string, rows: SeriesRow[]): Promise<void>;
  /**
   * Points of these subjects from every run, oldest first. Points within the same `every` milliseconds are combined.
   */
  read(subjects: string[], span: SeriesSpan): Promise<SeriesRow[]>;
  /** Subjects that begin with the prefix and follow `after`, in character order. */
  subjects(prefix: string, page: { after: string; limit: number }): Promise<string[]>;
  prune(step: Step, before: number): Promise<void>;
}

export type ProblemKind = "error" | "warning";

/** Failures that differ only in the variable parts of their messages. */
export interface Problem {
  fingerprint: string;
  kind: ProblemKind;
  teamId: number;
  /** 0 when no plugin is concerned. */
  pluginConfigId: number;
  /** The function that failed, or the subject of a warning. */
  place: string;
  message: string;
  stack: string | null;
  /** The JSON text of an event at which it happened. */
  sample: string | null;
  count: number;
  firstAt: number;
  lastAt: number;
}

export interface Problems {
  /** Adds to the stored counts. Message, stack and sample are replaced by the newest ones. */
  add(problems: Problem[]): Promise<void>;
  /** Latest first, without stacks and samples, which get() returns. */
  list(
    filter: { kind: ProblemKind; teamId?: number; pluginConfigId?: number; limit: number; next?: string },
  ): Promise<Page<Problem>>;
  get(fingerprint: string): Promise<Problem | null>;
  /** True when it existed. */
  remove(fingerprint: string): Promise<boolean>;
  /** Keeps the latest `keep`, and none that was last seen before `before`. */
  prune(keep: number, before: number): Promise<void>;
}

/** `dropped`: a plugin dropped the event; `trace`: what each plugin made of it. */
export type SightingKind = "dropped" | "trace";

/** One event that passed, and what became of it. */
export interface NewSighting {
  kind: SightingKind;
  teamId: number;
  /** The plugin config that dropped it; 0 for a trace, which concerns the whole chain. */
  pluginConfigId: number;
  uuid: string;
  distinctId: string;
  name: string;
  at: number;
  /** JSON. */
  body: string;
}

export interface Sighting extends NewSighting {
  id: string;
}

export interface SightingFilter {
  kind: SightingKind;
  teamId?: number;
  pluginConfigId?: number;
  uuid?: string;
  distinctId?: string;
  name?: string;
  /** Exclusive. */
  before?: number;
  /** Exclusive. */
  after?: number;
  limit: number;
  next?: string;
}

export interface Sightings {
  add(sightings: NewSighting[]): Promise<void>;
  /** Newest first. */
  list(filter: SightingFilter): Promise<Page<Sighting>>;
  get(id: string): Promise<Sighting | null>;
  /** Keeps the newest of a kind that together have at most `bytes` bytes, and none from before `before`. */
  prune(kind: SightingKind, bytes: number, before: number): Promise<void>;
}
