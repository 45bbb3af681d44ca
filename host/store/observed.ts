/**
 * What the store keeps of what happened: counters over time, failures by kind, and single events that are worth showing. Everything
 * here is bounded, and may lose its last seconds with the host.
 * @module
 */

import type { Page } from "./store.ts";

/** Numbers by name, without those that are 0. */
export type Point = Record<string, number>;

/** Seconds that one point stands for. */
export const STEPS = [10, 60, 3600] as const;
export type Step = typeof STEPS[number];

export interface SeriesRow {
  /** Whose numbers: `plugin:39/processEvent`, `consumer:onEvent:39`, `project:1`. */
  subject: string;
  step: Step;
  /** Start of the step, in milliseconds since the epoch. */
  at: number;
  point: Point;
}

export interface SeriesSpan {
  step: Step;
  /** From here on, up to but without `to`. */
  from: number;
  to: number;
  /** Milliseconds that one row of the answer stands for; a multiple of the step. */
  every: number;
}

/** Counters over time. Each run of a host writes points of its own, so that neither a restart nor another host overwrites them. */
export interface Series {
  /** Replaces what this run wrote for the same subject, step and time. */
  put(run: string, rows: SeriesRow[]): Promise<void>;
  /** Points of these subjects and of every run, those of the same `every` milliseconds put together; oldest first. */
  read(subjects: string[], span: SeriesSpan): Promise<SeriesRow[]>;
  /** Subjects that begin with the prefix and come after `after`, in the order of their characters. */
  subjects(prefix: string, page: { after: string; limit: number }): Promise<string[]>;
  prune(step: Step, before: number): Promise<void>;
}

export type ProblemKind = "error" | "warning";

/** Failures that are the same but for what varies in their messages. */
export interface Problem {
  fingerprint: string;
  kind: ProblemKind;
  teamId: number;
  /** 0 for what concerns no plugin. */
  pluginConfigId: number;
  /** The function that failed, or what was warned of. */
  place: string;
  message: string;
  stack: string | null;
  /** JSON text of an event that it happened to. */
  sample: string | null;
  count: number;
  firstAt: number;
  lastAt: number;
}

export interface Problems {
  /** Adds the counts to what is kept; message, stack and sample become the newest ones. */
  add(problems: Problem[]): Promise<void>;
  /** Latest first. Stacks and samples are left out; get() has them. */
  list(
    filter: { kind: ProblemKind; teamId?: number; pluginConfigId?: number; limit: number; next?: string },
  ): Promise<Page<Problem>>;
  get(fingerprint: string): Promise<Problem | null>;
  /** True when it existed. */
  remove(fingerprint: string): Promise<boolean>;
  /** Keeps the latest `keep` and none last seen before `before`. */
  prune(keep: number, before: number): Promise<void>;
}

/** `dropped`: a plugin dropped it; `trace`: what each plugin made of it. */
export type SightingKind = "dropped" | "trace";

/** One event that passed, with what became of it. */
export interface NewSighting {
  kind: SightingKind;
  teamId: number;
  /** Who dropped it; 0 for a trace, which concerns the whole chain. */
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
  /** Keeps the newest of a kind that together have at most `bytes`, and none from before `before`. */
  prune(kind: SightingKind, bytes: number, before: number): Promise<void>;
}
