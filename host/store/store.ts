/**
 * What is kept besides events: jobs, plugin storage, plugin state, log entries, dead letters, ticks of the schedule. One interface,
 * on SQLite and on Postgres; one test suite proves both. Times are milliseconds since the epoch. Lists are newest first
 * unless said otherwise, paged by an opaque `next`.
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

/** `plugin` is a job of a plugin; the others are retries that the service makes for itself. */
export type JobKind = "plugin" | "onEvent" | "exportEvents";
export type JobState = "waiting" | "running" | "done" | "failed" | "cancelled";

export interface NewJob {
  kind: JobKind;
  pluginConfigId: number;
  teamId: number;
  /** Job name for `plugin`; the function's name otherwise. */
  type: string;
  /** JSON. */
  payload: unknown;
  runAt: number;
  /** The attempt that runs next, from 1. */
  attempt: number;
  maxAttempts: number;
  /** Capture depth of the event that it was enqueued for (`LogRecord.depth`); absent: 0. */
  depth?: number;
}

export interface Job extends NewJob {
  id: string;
  state: JobState;
  createdAt: number;
  updatedAt: number;
  lastError: string | null;
}

/** Which jobs are meant. */
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
  enqueue(job: NewJob): Promise<Job>;
  /**
   * Takes up to `limit` due jobs, oldest runAt first, for `leaseMs`; no other host gets them until the lease ends
   * (a host that died gives them back that way). Only for the plugin configs given, so that a host takes what it can run.
   */
  claim(pluginConfigIds: number[], now: number, limit: number, leaseMs: number, owner: string): Promise<Job[]>;
  /** Gives back at once what the owner was running when it died; a host asks it at its start, before its first claim. */
  release(owner: string): Promise<void>;
  /** Prolongs the leases of those of these jobs that the owner runs. */
  extend(ids: string[], leaseMs: number, owner: string): Promise<void>;
  /** Of the service's own retries the payload is dropped when they are over, here and in fail(): they hold events, up to a whole export. */
  complete(id: string, owner: string): Promise<void>;
  /** Back to waiting, for the next attempt. */
  retry(id: string, owner: string, runAt: number, attempt: number, error: string): Promise<void>;
  fail(id: string, owner: string, error: string): Promise<void>;
  /** False when the job is no longer waiting. */
  cancel(id: string): Promise<boolean>;
  /** A waiting job is due at once, one that failed or was cancelled starts again with its first attempt. False for any other, and when its payload is gone. */
  retryNow(id: string, now: number): Promise<boolean>;
  get(id: string): Promise<Job | null>;
  /** A payload of more than 64 KiB is left out (null); get() has it. */
  list(filter: JobFilter): Promise<Page<Job>>;
  total(selection: JobSelection): Promise<number>;
  /** Waiting and running jobs of a plugin config: what bounds enqueueing. */
  count(pluginConfigId: number): Promise<number>;
  /** Earliest runAt of a waiting job of these plugin configs; null when none. */
  nextRunAt(pluginConfigIds: number[]): Promise<number | null>;
  /** Deletes done, failed and cancelled jobs that have not changed since `before`. */
  prune(before: number): Promise<void>;
}

/** `meta.storage` and `meta.utils.cursor`. Values are JSON texts; keys at most 200 characters. */
export interface PluginStorage {
  get(pluginConfigId: number, key: string): Promise<string | null>;
  set(pluginConfigId: number, key: string, value: string): Promise<void>;
  del(pluginConfigId: number, key: string): Promise<void>;
  /** Sets only when the key is absent. */
  init(pluginConfigId: number, key: string, value: string): Promise<void>;
  /** Atomic; an absent key starts at `by`; rejects when the stored text is not a number. */
  increment(pluginConfigId: number, key: string, by: number): Promise<number>;
  all(pluginConfigId: number): Promise<Record<string, string>>;
  /** Bytes (or characters) of its keys and values, what its bound is compared with. May scan: asked seldom. */
  size(pluginConfigId: number): Promise<number>;
}

/** What is remembered of a plugin config between starts. */
export interface PluginConfigRecord {
  pluginConfigId: number;
  /** Set when the service disabled it, with the reason in words; a changed configuration clears it. */
  disabledReason: string | null;
  /** Hash of source and configuration that the reason belongs to. */
  revision: string;
  lastError: (ErrorRecord & { at: number; event?: unknown }) | null;
  capabilities: Capabilities | null;
}

export interface PluginConfigs {
  get(pluginConfigId: number): Promise<PluginConfigRecord | null>;
  /** `keepReason`: a reason that is stored for the same revision stays, which another host may have put there. */
  put(record: PluginConfigRecord, keepReason?: boolean): Promise<void>;
  /** Of all plugin configs, why they are disabled. */
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

/** An event that something gave up on, with what is needed to try it again. */
export interface NewDeadLetter {
  teamId: number;
  /** Who gave up: `processEvent:<plugin config>`, `onEvent:<…>`, `exportEvents:<…>`, `destination:<project>/<id>`. */
  consumer: string;
  reason: string;
  /** The event's JSON text. */
  event: string;
}

export interface DeadLetter extends NewDeadLetter {
  id: string;
  at: number;
}

/** Which dead letters are meant. */
export interface DeadLetterSelection {
  teamId?: number;
  consumer?: string;
  reason?: string;
  /** Exclusive. */
  before?: number;
  /** Exclusive. */
  after?: number;
}

/** Dead letters of one consumer for one reason. */
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
  /** Puts another event (JSON text) in its place. True when it existed. */
  edit(id: string, event: string): Promise<boolean>;
  /** How many there were. */
  removeAll(selection: DeadLetterSelection): Promise<number>;
  get(id: string): Promise<DeadLetter | null>;
  /** True when it existed. */
  remove(id: string): Promise<boolean>;
  /** Keeps the newest `keep` letters of each consumer and none from before `before`. */
  prune(keep: number, before: number): Promise<void>;
}

/** Scheduled tasks across hosts. */
export interface Ticks {
  /**
   * True for the one host that may run this tick. Refused when another host has the tick, or when a run of the same task is
   * still in progress (its lease not ended).
   */
  claim(pluginConfigId: number, task: string, tick: number, leaseMs: number, owner: string): Promise<boolean>;
  extend(pluginConfigId: number, task: string, leaseMs: number, owner: string): Promise<void>;
  finish(pluginConfigId: number, task: string, owner: string): Promise<void>;
}

/** Small settings that the service itself keeps: a paused destination, the admin token's hash. */
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
  /** True when it answers; used by /_ready. */
  ping(): Promise<boolean>;
}
