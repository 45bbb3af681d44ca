/**
 * Durable jobs on Postgres.
 * @module
 */

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
import { bigints, type Sql } from "./connect.ts";
import type { RunQuery } from "./connection.ts";

/** See {@linkcode Jobs}. */
export function createJobs(run: RunQuery, now: () => number): Jobs {
  function finish(
    id: string,
    owner: string,
    state: keyof typeof PAYLOAD_AFTER,
    error: string | null,
  ): Promise<void> {
    return run("always", async (sql) => {
      await sql`UPDATE hogpen.jobs SET state = ${state}, last_error = coalesce(${error}, last_error), owner = NULL,
        updated_at = ${now()}, payload = ${sql.unsafe(PAYLOAD_AFTER[state])}
        WHERE id = ${numberIn(id)} AND state = 'running' AND owner = ${owner}`;
    });
  }
  return {
    enqueue(job) {
      const { kind, pluginConfigId, teamId, type, payload, runAt, attempt, maxAttempts, depth = 0 } = job;
      const at = now();
      // If the answer is lost, repeating the same request finds its job.
      const request = job.request ?? crypto.randomUUID();
      return run("always", async (sql) => {
        const [row] = await sql<[JobRow]>`
          INSERT INTO hogpen.jobs (kind, plugin_config_id, team_id, type, payload, run_at, attempt, max_attempts, depth, state,
            created_at, updated_at, due_at, request)
          VALUES (${kind}, ${pluginConfigId}, ${teamId}, ${withoutNul(type)}, ${
          JSON.stringify(payload) ?? null
        }, ${runAt},
            ${attempt}, ${maxAttempts}, ${depth}, 'waiting', ${at}, ${at}, ${runAt}, ${request})
          ON CONFLICT (request) DO UPDATE SET request = excluded.request
          RETURNING ${sql.unsafe(JOB_COLUMNS)}`;
        return jobOf(row);
      });
    },
    // When the answer to a claim is lost, its jobs are free again after their lease.
    claim: (pluginConfigIds, at, limit, leaseMs, owner) =>
      run("always", async (sql) =>
        jobsByRunAt(
          await sql<JobRow[]>`
          WITH due AS MATERIALIZED (
            SELECT id AS due_id FROM hogpen.jobs WHERE state IN ('waiting', 'running') AND due_at <= ${at}
              AND plugin_config_id = ANY (${bigints(pluginConfigIds)}::text::bigint[])
            ORDER BY due_at, id LIMIT ${limit} FOR UPDATE SKIP LOCKED
          )
          UPDATE hogpen.jobs SET state = 'running', owner = ${owner}, due_at = ${at + leaseMs}, updated_at = ${at}
          FROM due WHERE id = due_id RETURNING ${sql.unsafe(JOB_COLUMNS)}`,
        )),
    release: (owner) =>
      run("always", async (sql) => {
        await sql`UPDATE hogpen.jobs SET state = 'waiting', due_at = run_at, owner = NULL, updated_at = ${now()}
          WHERE state = 'running' AND owner = ${owner}`;
      }),
    extend: (ids, leaseMs, owner) =>
      run("always", async (sql) => {
        await sql`UPDATE hogpen.jobs SET due_at = ${now() + leaseMs}
          WHERE id = ANY (${bigints(numbersOf(ids))}::text::bigint[]) AND state = 'running' AND owner = ${owner}`;
      }),
    complete: (id, owner) => finish(id, owner, "done", null),
    fail: (id, owner, error) => finish(id, owner, "failed", withoutNul(error)),
    retry: (id, owner, runAt, attempt, error) =>
      run("always", async (sql) => {
        await sql`UPDATE hogpen.jobs SET state = 'waiting', run_at = ${runAt}, due_at = ${runAt}, attempt = ${attempt},
          last_error = ${withoutNul(error)}, owner = NULL, updated_at = ${now()}
          WHERE id = ${numberIn(id)} AND state = 'running' AND owner = ${owner}`;
      }),
    cancel: (id) =>
      run("unsent", async (sql) => {
        const { count } = await sql`UPDATE hogpen.jobs SET state = 'cancelled', updated_at = ${now()}
          WHERE id = ${numberIn(id)} AND state = 'waiting'`;
        return count === 1;
      }),
    get: (id) =>
      run("always", async (sql) => {
        const [row] = await sql<JobRow[]>`SELECT ${sql.unsafe(JOB_COLUMNS)} FROM hogpen.jobs WHERE id = ${
          numberIn(id)
        }`;
        return row ? jobOf(row) : null;
      }),
    list: ({ limit, next, ...selection }) =>
      run("always", async (sql) => {
        const rows = await sql<JobRow[]>`
          SELECT ${sql.unsafe(JOB_LIST_COLUMNS)} FROM hogpen.jobs WHERE ${select(sql, selection)}
          ${next === undefined ? sql`` : sql`AND id < ${numberIn(next) ?? 0}`}
          ORDER BY id DESC LIMIT ${limit + 1}`;
        return pageOf(rows, limit, (row) => String(row.id), jobOf);
      }),
    total: (selection) =>
      run("always", async (sql) => {
        const [row] = await sql<
          [{ n: number }]
        >`SELECT count(*) AS n FROM hogpen.jobs WHERE ${select(sql, selection)}`;
        return row.n;
      }),
    retryNow: (id, at) =>
      run("unsent", async (sql) => {
        const { count } = await sql`UPDATE hogpen.jobs SET run_at = ${at}, due_at = ${at}, updated_at = ${now()},
          owner = NULL, attempt = CASE state WHEN 'waiting' THEN attempt ELSE 1 END, state = 'waiting'
          WHERE id = ${numberIn(id)} AND (state = 'waiting' OR
            state IN ('failed', 'cancelled') AND (kind = 'plugin' OR payload IS NOT NULL))`;
        return count === 1;
      }),
    outstanding: (pluginConfigId) =>
      run("always", async (sql) => {
        const [row] = await sql<[{ jobs: number; bytes: number }]>`
          SELECT count(*) AS jobs, coalesce(sum(octet_length(payload)), 0) AS bytes FROM hogpen.jobs
          WHERE plugin_config_id = ${pluginConfigId} AND state IN ('waiting', 'running')`;
        return row;
      }),
    nextRunAt: (pluginConfigIds) =>
      run("always", async (sql) => {
        const [row] = await sql<[{ first: number | null }]>`
          SELECT min(run_at) AS first FROM unnest(${bigints(pluginConfigIds)}::text::bigint[]) AS ids (id)
          CROSS JOIN LATERAL (SELECT min(run_at) AS run_at FROM hogpen.jobs
            WHERE plugin_config_id = ids.id AND state = 'waiting') AS first`;
        return row.first;
      }),
    prune: (before) =>
      run("always", async (sql) => {
        await sql`DELETE FROM hogpen.jobs WHERE state IN ('done', 'failed', 'cancelled') AND updated_at < ${before}`;
      }),
  };
}

function select(sql: Sql, { pluginConfigId, kind, type, state }: JobSelection) {
  return sql`true
    ${pluginConfigId === undefined ? sql`` : sql`AND plugin_config_id = ${pluginConfigId}`}
    ${kind === undefined ? sql`` : sql`AND kind = ${kind}`}
    ${type === undefined ? sql`` : sql`AND type = ${withoutNul(type)}`}
    ${state === undefined ? sql`` : sql`AND state = ${state}`}`;
}
