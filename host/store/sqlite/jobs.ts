/**
 * Durable jobs on SQLite. Every call runs in a transaction that holds the write lock, so two hosts never claim the same
 * job.
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import {
  JOB_COLUMNS,
  JOB_LIST_COLUMNS,
  jobOf,
  type JobRow,
  jobsByRunAt,
  numberIn,
  numbersOf,
  pageOf,
  PAYLOAD_AFTER,
  withoutNul,
} from "../rows.ts";
import type { Jobs, JobSelection } from "../store.ts";
import { type Conditions, createConditions } from "./conditions.ts";
import { rows, type Sync } from "./sync.ts";

/** How many jobs are deleted in one transaction, so that other calls are not delayed. */
export const PRUNED_AT_ONCE = 1000;

/** See {@linkcode Jobs}. */
export function createJobs(db: DatabaseSync, now: () => number): Sync<Jobs> {
  const insert = db.prepare(`
    INSERT INTO jobs (kind, plugin_config_id, team_id, type, payload, run_at, attempt, max_attempts, depth, state, created_at, updated_at,
      due_at, request)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting', ?, ?, ?, ?)
    ON CONFLICT (request) DO UPDATE SET request = excluded.request RETURNING ${JOB_COLUMNS}`);
  const claim = db.prepare(`
    UPDATE jobs SET state = 'running', owner = ?, due_at = ?, updated_at = ? WHERE id IN (
      SELECT id FROM jobs WHERE state IN ('waiting', 'running') AND due_at <= ?
        AND plugin_config_id IN (SELECT value FROM json_each(?)) ORDER BY due_at, id LIMIT ?
    ) RETURNING ${JOB_COLUMNS}`);
  const extend = db.prepare(
    "UPDATE jobs SET due_at = ? WHERE id IN (SELECT value FROM json_each(?)) AND state = 'running' AND owner = ?",
  );
  const finish = (state: keyof typeof PAYLOAD_AFTER) =>
    db.prepare(`
    UPDATE jobs SET state = '${state}', last_error = coalesce(?, last_error), owner = NULL, updated_at = ?,
      payload = ${PAYLOAD_AFTER[state]}
    WHERE id = ? AND state = 'running' AND owner = ?`);
  const [complete, fail] = [finish("done"), finish("failed")];
  const retry = db.prepare(`
    UPDATE jobs SET state = 'waiting', run_at = ?, due_at = ?, attempt = ?, last_error = ?, owner = NULL, updated_at = ?
    WHERE id = ? AND state = 'running' AND owner = ?`);
  const release = db.prepare(`
    UPDATE jobs SET state = 'waiting', due_at = run_at, owner = NULL, updated_at = ? WHERE state = 'running' AND owner = ?`);
  const cancel = db.prepare("UPDATE jobs SET state = 'cancelled', updated_at = ? WHERE id = ? AND state = 'waiting'");
  const retryNow = db.prepare(`
    UPDATE jobs SET run_at = ?, due_at = ?, updated_at = ?, owner = NULL,
      attempt = CASE state WHEN 'waiting' THEN attempt ELSE 1 END, state = 'waiting'
    WHERE id = ? AND (state = 'waiting' OR state IN ('failed', 'cancelled') AND (kind = 'plugin' OR payload IS NOT NULL))`);
  const get = db.prepare(`SELECT ${JOB_COLUMNS} FROM jobs WHERE id = ?`);
  const outstanding = db.prepare(`
    SELECT count(*) AS jobs, coalesce(sum(octet_length(payload)), 0) AS bytes FROM jobs
    WHERE plugin_config_id = ? AND state IN ('waiting', 'running')`);
  const next = db.prepare(`
    SELECT min(first) AS first FROM (SELECT (SELECT min(run_at) FROM jobs
      WHERE plugin_config_id = ids.value AND state = 'waiting') AS first FROM json_each(?) AS ids)`);
  const prune = db.prepare(`DELETE FROM jobs WHERE id IN (
    SELECT id FROM jobs WHERE state IN ('done', 'failed', 'cancelled') AND updated_at < ? LIMIT ${PRUNED_AT_ONCE})`);

  return {
    enqueue(job) {
      const { kind, pluginConfigId, teamId, type, payload, runAt, attempt, maxAttempts, depth = 0, request = null } =
        job;
      const at = now();
      const json = JSON.stringify(payload) ?? null;
      return jobOf(
        insert.get(
          kind,
          pluginConfigId,
          teamId,
          withoutNul(type),
          json,
          runAt,
          attempt,
          maxAttempts,
          depth,
          at,
          at,
          runAt,
          request,
        ) as unknown as JobRow,
      );
    },
    claim(pluginConfigIds, at, limit, leaseMs, owner) {
      return jobsByRunAt(rows(claim.all(owner, at + leaseMs, at, at, JSON.stringify(pluginConfigIds), limit)));
    },
    extend: (ids, leaseMs, owner) => void extend.run(now() + leaseMs, JSON.stringify(numbersOf(ids)), owner),
    release: (owner) => void release.run(now(), owner),
    complete: (id, owner) => void complete.run(null, now(), numberIn(id), owner),
    fail: (id, owner, error) => void fail.run(withoutNul(error), now(), numberIn(id), owner),
    retry: (id, owner, runAt, attempt, error) =>
      void retry.run(runAt, runAt, attempt, withoutNul(error), now(), numberIn(id), owner),
    cancel: (id) => cancel.run(now(), numberIn(id)).changes === 1,
    get(id) {
      const row = get.get(numberIn(id));
      return row ? jobOf(row as unknown as JobRow) : null;
    },
    list({ limit, next, ...selection }) {
      const where = select(selection);
      where.add("id < ?", next === undefined ? undefined : numberIn(next) ?? 0);
      const query = `SELECT ${JOB_LIST_COLUMNS} FROM jobs WHERE ${where.sql} ORDER BY id DESC LIMIT ?`;
      const found = rows<JobRow>(db.prepare(query).all(...where.values, limit + 1));
      return pageOf(found, limit, (row) => String(row.id), jobOf);
    },
    total(selection) {
      const where = select(selection);
      return Number(db.prepare(`SELECT count(*) AS n FROM jobs WHERE ${where.sql}`).get(...where.values)?.n);
    },
    retryNow: (id, at) => retryNow.run(at, at, now(), numberIn(id)).changes === 1,
    outstanding: (pluginConfigId) => outstanding.get(pluginConfigId) as { jobs: number; bytes: number },
    nextRunAt(pluginConfigIds) {
      const first = next.get(JSON.stringify(pluginConfigIds))?.first;
      return typeof first === "number" ? first : null;
    },
    // The number of deleted jobs: the caller repeats the call while there may be more (host/store/sqlite_store.ts).
    prune: (before) => Number(prune.run(before).changes),
  };
}

function select({ pluginConfigId, kind, type, state }: JobSelection): Conditions {
  const where = createConditions();
  where.add("plugin_config_id = ?", pluginConfigId);
  where.add("kind = ?", kind);
  where.add("type = ?", type);
  where.add("state = ?", state);
  return where;
}
