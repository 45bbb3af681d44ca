/**
 * What is kept besides events: jobs, plugin storage, plugin state, log entries, dead letters, and ticks of the
 * schedule. One interface with implementations on SQLite and on Postgres, both proved by one test suite. Times are
 * milliseconds since the epoch. Lists are newest first unless stated otherwise, and paged by an opaque `next`.
 * @module
 */

import type { ErrorRecord } from "../../runtime/errors.ts";
import type { Capabilities } from "../../runtime/capabilities.ts";
import type { Problems, Series, Sightings } from "./observed.ts";
import type { Audit, Things } from "./things.ts";

export interface Page<T> {
  results: T[];
  next: string | null;
}

/** `plugin` is a job of a plugin; the others are retries that the service schedules itself. */
export type JobKind = "plugin" | "onEvent" | "exportEvents";
export type JobState = "waiting" | "running" | "done" | "failed" | "cancelled";

export interface NewJob {
  kind: JobKind;
  pluginConfigId: number;
  teamId: number;
  /** The job's name for `plugin`; the function's name otherwise. */
  type: string;
  /** JSON. */
  payload: unknown;
  runAt: number;
  /** The number of the next attempt, from 1. */
  attempt: number;
  maxAttempts: number;
  /** The capture depth of the event that enqueued it (`LogRecord.depth`); absent means 0. */
  depth?: number;
  /** A UUID. While a job of this request is kept, done or not, enqueueing it again makes no other one. */
  request?: string;
}

export interface Job extends Omit<NewJob, "request"> {
  id: string;
  state: JobState;
  createdAt: number;
  updatedAt: number;
  lastError: string | null;
}

/** Selects jobs. */
export interface JobSelection {
  pluginConfigId?: number;
  kind?: JobKind;
  type?: string;
  state?: JobState;
}

export interface JobFilter extends JobSelection {
  limit: number;
  next?: string;
}

export interface Jobs {
  /** The job; when its request has been made before, the one that there is. */
  enqueue(job: NewJob): Promise<Job>;
  /**
   * Claims up to `limit` due jobs for `leaseMs` milliseconds, oldest runAt first. No other host gets them until the
   * lease ends, which is also how the jobs of a dead host become free. Only jobs of the given plugin configs are
   * claimed, so that a host takes only what it can run.
   */
  claim(pluginConfigIds: number[], now: number, limit: number, leaseMs: number, owner: string): Promise<Job[]>;
  /** Frees at once what the owner was running when it died. A host calls it when it starts, before its first claim. */
  release(owner: string): Promise<void>;
  /** Extends the leases of those of the jobs that the owner is running. */
  extend(ids: string[], leaseMs: number, owner: string): Promise<void>;
  /**
   * Marks the job as done. A payload of more than 64 KiB is deleted. That of one of the service's own retries is
   * deleted here and in fail(), because it holds events, up to a whole export.
   */
  complete(id: string, owner: string): Promise<void>;
  /** Returns the job to waiting, for its next attempt. */
  retry(id: string, owner: string, runAt: number, attempt: number, error: string): Promise<void>;
  fail(id: string, owner: string, error: string): Promise<void>;
  /** False when the job is no longer waiting. */
  cancel(id: string): Promise<boolean>;
  /**
   * Makes a waiting job due at once, and restarts one that failed or was cancelled with its first attempt. False for
   * any other job, and when its payload has been deleted.
   */
  retryNow(id: string, now: number): Promise<boolean>;
  get(id: string): Promise<Job | null>;
  /** Payloads of more than 64 KiB are left out (null); get() returns them. */
  list(filter: JobFilter): Promise<Page<Job>>;
  total(selection: JobSelection): Promise<number>;
  /** Waiting and running jobs of a plugin config and the bytes of their payloads, which limits enqueueing. */
  outstanding(pluginConfigId: number): Promise<{ jobs: number; bytes: number }>;
  /** The earliest runAt of a waiting job of these plugin configs; null when there is none. */
  nextRunAt(pluginConfigIds: number[]): Promise<number | null>;
  /** Deletes done, failed and cancelled jobs that have not changed since `before`. */
  prune(before: number): Promise<void>;
}

/** `meta.storage` and `meta.utils.cursor`. Values are JSON texts; keys at most 200 characters. */
export interface PluginStorage {
  get(pluginConfigId: number, key: string): Promise<string | null>;
  set(pluginConfigId: number, key: string, value: string): Promise<void>;
  del(pluginConfigId: number, key: string): Promise<void>;
  /** Sets the value only when the key is absent. */
  init(pluginConfigId: number, key: string, value: string): Promise<void>;
  /** Atomic. An absent key becomes `by`. Rejects when the stored text is not a number. */
  increment(pluginConfigId: number, key: string, by: number): Promise<number>;
  all(pluginConfigId: number): Promise<Record<string, string>>;
  /** The bytes (or characters) of its keys and values, to which its limit applies. May scan, so it is called rarely. */
  size(pluginConfigId: number): Promise<number>;
}

/** What is stored about a plugin config between starts. */
export interface PluginConfigRecord {
  pluginConfigId: number;
  /** Set when the service disabled it, with the reason as text; a changed configuration clears it. */
  disabledReason: string | null;
  /** Hash of the source and configuration to which the reason applies. */
  revision: string;
  lastError: (ErrorRecord & { at: number; event?: unknown }) | null;
  capabilities: Capabilities | null;
}

export interface PluginConfigs {
  get(pluginConfigId: number): Promise<PluginConfigRecord | null>;
  /**
   * With `keepReason`, a reason that is already stored for the same revision stays, because another host may have
   * stored it.
   */
  put(record: PluginConfigRecord, keepReason?: boolean): Promise<void>;
  /** Why each disabled plugin config is disabled. */
  reasons(): Promise<DisabledReason[]>;
}

export type DisabledReason = Pick<PluginConfigRecord, "pluginConfigId" | "revision" | "disabledReason">;

export type LogSource = "SYSTEM" | "PLUGIN" | "CONSOLE";
export type LogType = "DEBUG" | "LOG" | "INFO" | "WARN" | "ERROR";

export interface LogEntry {
  id: string;
  pluginConfigId: number;
  teamId: number;
  at: number;
  source: LogSource;
  type: LogType;
  message: string;
  instanceId: string;
}

export interface LogFilter {
  pluginConfigId: number;
  types?: LogType[];
  /** Case-insensitive substring. */
  search?: string;
  /** Exclusive. */
  before?: number;
  /** Exclusive. */
  after?: number;
  limit: number;
  next?: string;
}

export interface PluginLogs {
  append(entries: LogEntry[]): Promise<void>;
  list(filter: LogFilter): Promise<Page<LogEntry>>;
  /** Keeps the newest `keep` entries of each plugin config and none older than `before`. */
  prune(keep: number, before: number): Promise<void>;
}

/** An event that was given up, with what is needed to try it again. */
export interface NewDeadLetter {
  teamId: number;
  /**
   * Which consumer or function gave it up: `processEvent:<plugin config>`, `onEvent:<…>`, `exportEvents:<…>`,
   * `destination:<project>/<id>`.
   */
  consumer: string;
  reason: string;
  /** The event's JSON text. */
  event: string;
}

export interface DeadLetter extends NewDeadLetter {
  id: string;
  at: number;
}

/** Selects dead letters. */
export interface DeadLetterSelection {
  teamId?: number;
  consumer?: string;
  reason?: string;
  /** Exclusive. */
  before?: number;
  /** Exclusive. */
  after?: number;
}

/** Dead letters of one consumer with the same reason. */
export interface DeadLetterGroup {
  teamId: number;
  consumer: string;
  reason: string;
  count: number;
  latestAt: number;
}

export interface DeadLetters {
  add(letters: NewDeadLetter[]): Promise<void>;
  list(filter: DeadLetterSelection & { limit: number; next?: string }): Promise<Page<DeadLetter>>;
  total(selection: DeadLetterSelection): Promise<number>;
  /** Largest first, at most `limit`. */
  groups(selection: DeadLetterSelection, limit: number): Promise<DeadLetterGroup[]>;
  /** Replaces the event (JSON text). True when the dead letter existed. */
  edit(id: string, event: string): Promise<boolean>;
  /** Returns how many were removed. */
  removeAll(selection: DeadLetterSelection): Promise<number>;
  get(id: string): Promise<DeadLetter | null>;
  /** True when it existed. */
  remove(id: string): Promise<boolean>;
  /** Keeps the newest `keep` dead letters of each consumer, and none from before `before`. */
  prune(keep: number, before: number): Promise<void>;
}

/** Coordinates scheduled tasks between hosts. */
export interface Ticks {
  /**
   * True for the one host that may run this tick. Refused when another host has the tick, or while a run of the same
   * task is in progress (its lease has not ended).
   */
  claim(pluginConfigId: number, task: string, tick: number, leaseMs: number, owner: string): Promise<boolean>;
  extend(pluginConfigId: number, task: string, leaseMs: number, owner: string): Promise<void>;
  finish(pluginConfigId: number, task: string, owner: string): Promise<void>;
}

/** Small settings of the service itself, such as a paused destination or the hash of the admin token. */
export interface Settings {
  get(key: string): Promise<string | null>;
  set(key: string, value: string): Promise<void>;
  del(key: string): Promise<void>;
  /** Those whose keys begin with the prefix, by key. */
  list(prefix: string): Promise<Record<string, string>>;
}

export interface Store extends AsyncDisposable {
  readonly jobs: Jobs;
  readonly storage: PluginStorage;
  readonly pluginConfigs: PluginConfigs;
  readonly logs: PluginLogs;
  readonly deadLetters: DeadLetters;
  readonly ticks: Ticks;
  readonly settings: Settings;
  readonly series: Series;
  readonly problems: Problems;
  readonly sightings: Sightings;
  readonly things: Things;
  readonly audit: Audit;
  /** True when the store answers; used by /_ready. */
  ping(): Promise<boolean>;
}
