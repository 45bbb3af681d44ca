/**
 * The store's tables on Postgres, in a schema of their own. At its start one host at a time brings them up to date. A
 * released migration never changes.
 * @module
 */

import type { TransactionSql } from "postgres";
import type { Sql } from "./connect.ts";

/** The lock for migrating. The number only has to differ from those of other programs in the same database. */
const LOCK = 0x486f6753;

/**
 * Times are milliseconds since the epoch. JSON is stored as text, because jsonb would refuse NUL characters, which
 * plugins may store.
 */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE hogpen.jobs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL, plugin_config_id bigint NOT NULL, team_id bigint NOT NULL, type text NOT NULL, payload text,
    run_at bigint NOT NULL, attempt integer NOT NULL, max_attempts integer NOT NULL, depth integer NOT NULL,
    state text NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL, last_error text,
    owner text,
    -- When it may be claimed: run_at while it waits, the end of the lease while it runs.
    due_at bigint NOT NULL,
    -- Who asked for it, so that asking again makes no second one.
    request uuid NOT NULL UNIQUE
  );
  CREATE INDEX jobs_due ON hogpen.jobs (due_at, id) WHERE state IN ('waiting', 'running');
  CREATE INDEX jobs_open ON hogpen.jobs (plugin_config_id, state, run_at) WHERE state IN ('waiting', 'running');
  CREATE INDEX jobs_of_plugin_config ON hogpen.jobs (plugin_config_id, id);
  CREATE INDEX jobs_finished ON hogpen.jobs (updated_at) WHERE state IN ('done', 'failed', 'cancelled');

  CREATE TABLE hogpen.plugin_storage (
    plugin_config_id bigint NOT NULL, key varchar(200) NOT NULL, value text NOT NULL, PRIMARY KEY (plugin_config_id, key)
  );

  CREATE TABLE hogpen.plugin_configs (
    plugin_config_id bigint PRIMARY KEY, disabled_reason text, revision text NOT NULL, last_error text, capabilities text
  );

  CREATE TABLE hogpen.plugin_logs (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text NOT NULL,
    plugin_config_id bigint NOT NULL, team_id bigint NOT NULL, at bigint NOT NULL,
    source text NOT NULL, type text NOT NULL, message text NOT NULL, instance_id text NOT NULL
  );
  CREATE INDEX plugin_logs_by_time ON hogpen.plugin_logs (plugin_config_id, at, seq);
  CREATE INDEX plugin_logs_by_age ON hogpen.plugin_logs (at);

  CREATE TABLE hogpen.dead_letters (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, team_id bigint NOT NULL, consumer text NOT NULL, reason text NOT NULL,
    event text NOT NULL, at bigint NOT NULL
  );
  CREATE INDEX dead_letters_of_consumer ON hogpen.dead_letters (consumer, id);
  CREATE INDEX dead_letters_of_team ON hogpen.dead_letters (team_id, id);

  CREATE TABLE hogpen.ticks (
    plugin_config_id bigint NOT NULL, task text NOT NULL, tick bigint NOT NULL, owner text NOT NULL, lease_until bigint NOT NULL,
    PRIMARY KEY (plugin_config_id, task)
  );

  CREATE TABLE hogpen.settings (key text PRIMARY KEY, value text NOT NULL);
`,
  `
  CREATE TABLE hogpen.series (
    subject text NOT NULL, step bigint NOT NULL, at bigint NOT NULL, run text NOT NULL, point text NOT NULL,
    PRIMARY KEY (subject, step, at, run)
  );
  CREATE INDEX series_by_age ON hogpen.series (step, at);

  CREATE TABLE hogpen.problems (
    fingerprint text PRIMARY KEY, kind text NOT NULL, team_id bigint NOT NULL, plugin_config_id bigint NOT NULL,
    place text NOT NULL, message text NOT NULL, stack text, sample text,
    count bigint NOT NULL, first_at bigint NOT NULL, last_at bigint NOT NULL
  );
  CREATE INDEX problems_by_age ON hogpen.problems (kind, last_at);

  CREATE TABLE hogpen.sightings (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind text NOT NULL, team_id bigint NOT NULL,
    plugin_config_id bigint NOT NULL, uuid text NOT NULL, distinct_id text NOT NULL, name text NOT NULL,
    at bigint NOT NULL, body text NOT NULL
  );
  CREATE INDEX sightings_of_kind ON hogpen.sightings (kind, team_id, id);
  CREATE INDEX sightings_of_event ON hogpen.sightings (uuid);

  CREATE TABLE hogpen.things (
    kind text NOT NULL, id text NOT NULL, version bigint NOT NULL, value text NOT NULL, updated_at bigint NOT NULL,
    PRIMARY KEY (kind, id)
  );

  CREATE TABLE hogpen.audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at bigint NOT NULL, actor text NOT NULL, action text NOT NULL,
    target text NOT NULL, before text, after text
  );
  CREATE INDEX audit_of_target ON hogpen.audit (target, id);
  CREATE INDEX audit_by_age ON hogpen.audit (at);
`,
  // Subjects are read in character order, from one to the next.
  `ALTER TABLE hogpen.series ALTER COLUMN subject TYPE text COLLATE "C"`,
];

/** The database belongs to a newer version of Hogpen, so that retrying does not help. */
export class NewerSchemaError extends Error {
  override name = "NewerSchemaError";
}

/** Applies the missing migrations. Rejects when the tables are newer than this version. */
export async function migrate(sql: Sql): Promise<void> {
  await sql.begin(async (sql) => {
    await sql`SELECT pg_advisory_xact_lock(${LOCK})`;
    const version = await currentVersion(sql);
    if (version > MIGRATIONS.length) {
      throw new NewerSchemaError(
        `Cannot use the store in Postgres: its tables have version ${version}, this version of Hogpen knows up to ` +
          `${MIGRATIONS.length}; start a newer Hogpen`,
      );
    }
    for (const [i, migration] of MIGRATIONS.entries()) {
      if (i < version) continue;
      await sql.unsafe(migration);
      await sql`INSERT INTO hogpen.migrations (version, applied_at) VALUES (${i + 1}, ${Date.now()})`;
    }
  });
}

async function currentVersion(sql: TransactionSql<{ bigint: number }>): Promise<number> {
  await sql`CREATE SCHEMA IF NOT EXISTS hogpen`;
  await sql`CREATE TABLE IF NOT EXISTS hogpen.migrations (version integer PRIMARY KEY, applied_at bigint NOT NULL)`;
  const [row] = await sql<
    { version: number }[]
  >`SELECT coalesce(max(version), 0)::integer AS version FROM hogpen.migrations`;
  return row?.version ?? 0;
}
