/**
 * The rows of the store's tables, which are the same on SQLite and Postgres, and their conversion to the types of the
 * store's interface.
 * @module
 */

import type { Problem, Sighting } from "./observed.ts";
import type { AuditEntry, Thing } from "./things.ts";
import type { DeadLetter, Job, JobKind, JobState, LogEntry, LogSource, LogType, Page } from "./store.ts";

export interface JobRow {
  id: number;
  kind: JobKind;
  plugin_config_id: number;
  team_id: number;
  type: string;
  payload: string | null;
  run_at: number;
  attempt: number;
  max_attempts: number;
  depth: number;
  state: JobState;
  created_at: number;
  updated_at: number;
  last_error: string | null;
}

/** The columns of {@linkcode JobRow}, for SELECT and RETURNING. */
export const JOB_COLUMNS =
  "id, kind, plugin_config_id, team_id, type, payload, run_at, attempt, max_attempts, depth, state, created_at, updated_at, last_error";

/** Of a payload, nothing when it is large. Both SQLite and Postgres support octet_length. */
const SMALL_PAYLOAD = "CASE WHEN octet_length(payload) <= 65536 THEN payload END";

/** The same without large payloads, which retries of exports have. */
export const JOB_LIST_COLUMNS = JOB_COLUMNS.replace("payload", `${SMALL_PAYLOAD} AS payload`);

/** What is kept of the payload of a job that has ended: of one that failed all, since it can be tried again. */
export const PAYLOAD_AFTER = {
  done: `CASE kind WHEN 'plugin' THEN ${SMALL_PAYLOAD} END`,
  failed: "CASE kind WHEN 'plugin' THEN payload END",
} as const;

/** A job without payload has none in the database either, because JSON has no undefined. */
export function jobOf(row: JobRow): Job {
  return {
    id: String(row.id),
    kind: row.kind,
    pluginConfigId: row.plugin_config_id,
    teamId: row.team_id,
    type: row.type,
    payload: row.payload === null ? undefined : JSON.parse(row.payload),
    runAt: row.run_at,
    attempt: row.attempt,
    maxAttempts: row.max_attempts,
    ...(row.depth > 0 && { depth: row.depth }),
    state: row.state,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    lastError: row.last_error,
  };
}

/** Claimed jobs in the order in which they should run. */
export function jobsByRunAt(rows: JobRow[]): Job[] {
  return rows.toSorted((a, b) => a.run_at - b.run_at || a.id - b.id).map(jobOf);
}

export interface LogRow {
  seq: number;
  id: string;
  plugin_config_id: number;
  team_id: number;
  at: number;
  source: LogSource;
  type: LogType;
  message: string;
  instance_id: string;
}

/** The columns of {@linkcode LogRow}. */
export const LOG_COLUMNS = "seq, id, plugin_config_id, team_id, at, source, type, message, instance_id";

export function logEntryOf(row: LogRow): LogEntry {
  return {
    id: row.id,
    pluginConfigId: row.plugin_config_id,
    teamId: row.team_id,
    at: row.at,
    source: row.source,
    type: row.type,
    message: row.message,
    instanceId: row.instance_id,
  };
}

export interface DeadLetterRow {
  id: number;
  team_id: number;
  consumer: string;
  reason: string;
  event: string;
  at: number;
}

export function deadLetterOf(row: DeadLetterRow): DeadLetter {
  const { id, team_id, consumer, reason, event, at } = row;
  return { id: String(id), teamId: team_id, consumer, reason, event, at };
}

/** The columns of a group of dead letters, named as in DeadLetterGroup. */
export const DEAD_LETTER_GROUP = 'team_id AS "teamId", consumer, reason, count(*) AS count, max(at) AS "latestAt"';

export interface SeriesDatum {
  subject: string;
  at: number;
  point: string;
}

export interface ProblemRow {
  fingerprint: string;
  kind: Problem["kind"];
  team_id: number;
  plugin_config_id: number;
  place: string;
  message: string;
  stack: string | null;
  sample: string | null;
  count: number;
  first_at: number;
  last_at: number;
}

export const PROBLEM_COLUMNS =
  "fingerprint, kind, team_id, plugin_config_id, place, message, stack, sample, count, first_at, last_at";

/** The same without the columns that may be large. */
export const PROBLEM_LIST_COLUMNS = PROBLEM_COLUMNS.replace("stack, sample", "NULL AS stack, NULL AS sample");

export function problemOf(row: ProblemRow): Problem {
  return {
    fingerprint: row.fingerprint,
    kind: row.kind,
    teamId: row.team_id,
    pluginConfigId: row.plugin_config_id,
    place: row.place,
    message: row.message,
    stack: row.stack,
    sample: row.sample,
    count: row.count,
    firstAt: row.first_at,
    lastAt: row.last_at,
  };
}

export interface SightingRow {
  id: number;
  kind: Sighting["kind"];
  team_id: number;
  plugin_config_id: number;
  uuid: string;
  distinct_id: string;
  name: string;
  at: number;
  body: string;
}

export const SIGHTING_COLUMNS = "id, kind, team_id, plugin_config_id, uuid, distinct_id, name, at, body";

export function sightingOf(row: SightingRow): Sighting {
  return {
    id: String(row.id),
    kind: row.kind,
    teamId: row.team_id,
    pluginConfigId: row.plugin_config_id,
    uuid: row.uuid,
    distinctId: row.distinct_id,
    name: row.name,
    at: row.at,
    body: row.body,
  };
}

export interface ThingRow {
  kind: string;
  id: string;
  version: number;
  value: string;
  updated_at: number;
}

export function thingOf({ kind, id, version, value, updated_at }: ThingRow): Thing {
  return { kind, id, version, value, updatedAt: updated_at };
}

export interface AuditRow extends Omit<AuditEntry, "id"> {
  id: number;
}

export function auditEntryOf({ id, at, actor, action, target, before, after }: AuditRow): AuditEntry {
  return { id: String(id), at, actor, action, target, before, after };
}

/** Makes a page from rows that were read with one more than `limit`. */
export function pageOf<Row, T>(
  rows: Row[],
  limit: number,
  next: (row: Row) => string,
  convert: (row: Row) => T,
): Page<T> {
  const results = rows.slice(0, limit);
  const last = results.at(-1);
  return { results: results.map(convert), next: rows.length > limit && last !== undefined ? next(last) : null };
}

/** The number in an id or in a `next`; null when the text cannot be one. */
export function numberIn(text: string): number | null {
  return /^\d{1,15}$/.test(text) ? Number(text) : null;
}

/** Ids as numbers; invalid ones are left out. */
export function numbersOf(ids: string[]): number[] {
  return ids.map(numberIn).filter((id) => id !== null);
}

/** The numbers in a `next` that holds several. */
export function numbersIn(text: string): number[] {
  return text.split(".").map((part) => numberIn(part) ?? 0);
}

/** Replaces what a database's text cannot hold (NUL and unpaired surrogates) by U+FFFD, in both databases alike. */
export function withoutNul(text: string): string {
  return (text.includes("\0") ? text.replaceAll("\0", "\uFFFD") : text).toWellFormed();
}

/** Keys of plugin storage in their stored form. */
export function storageKey(key: string): string {
  if (key.length <= 200) return withoutNul(key);
  throw new RangeError(`Cannot store under a key of ${key.length} characters: at most 200 are allowed`);
}

/** The error for a stored text that is not a number, which stays as it is. */
export function notANumber(key: string): TypeError {
  return new TypeError(`Cannot increment ${JSON.stringify(key)}: its value is not a number`);
}
