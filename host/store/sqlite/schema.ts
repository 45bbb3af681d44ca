/**
 * The store's tables on SQLite. A released migration never changes.
 * @module
 */

import type { DatabaseFormat } from "../../sqlite/open_database.ts";

/** Times are milliseconds since the epoch; JSON is text. */
export const STORE_FORMAT: DatabaseFormat = {
  what: "store",
  applicationId: 0x486f6753,
  pageSize: 4096,
  migrations: [
    `
    CREATE TABLE jobs (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      kind TEXT NOT NULL, plugin_config_id INTEGER NOT NULL, team_id INTEGER NOT NULL, type TEXT NOT NULL, payload TEXT,
      run_at INTEGER NOT NULL, attempt INTEGER NOT NULL, max_attempts INTEGER NOT NULL, depth INTEGER NOT NULL,
      state TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, last_error TEXT,
      owner TEXT,
      -- When it may be claimed: run_at while it waits, the end of the lease while it runs.
      due_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX jobs_due ON jobs (due_at, id) WHERE state IN ('waiting', 'running');
    CREATE INDEX jobs_open ON jobs (plugin_config_id, state, run_at) WHERE state IN ('waiting', 'running');
    CREATE INDEX jobs_of_plugin_config ON jobs (plugin_config_id, id);
    CREATE INDEX jobs_finished ON jobs (updated_at) WHERE state IN ('done', 'failed', 'cancelled');

    CREATE TABLE plugin_storage (
      plugin_config_id INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (plugin_config_id, key)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE plugin_configs (
      plugin_config_id INTEGER PRIMARY KEY, disabled_reason TEXT, revision TEXT NOT NULL, last_error TEXT, capabilities TEXT
    ) STRICT;

    CREATE TABLE plugin_logs (
      seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL,
      plugin_config_id INTEGER NOT NULL, team_id INTEGER NOT NULL, at INTEGER NOT NULL,
      source TEXT NOT NULL, type TEXT NOT NULL, message TEXT NOT NULL, instance_id TEXT NOT NULL
    ) STRICT;
    CREATE INDEX plugin_logs_by_time ON plugin_logs (plugin_config_id, at, seq);
    CREATE INDEX plugin_logs_by_age ON plugin_logs (at);

    CREATE TABLE dead_letters (
      id INTEGER PRIMARY KEY AUTOINCREMENT, team_id INTEGER NOT NULL, consumer TEXT NOT NULL, reason TEXT NOT NULL,
      event TEXT NOT NULL, at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX dead_letters_of_consumer ON dead_letters (consumer, id);
    CREATE INDEX dead_letters_of_team ON dead_letters (team_id, id);

    CREATE TABLE ticks (
      plugin_config_id INTEGER NOT NULL, task TEXT NOT NULL, tick INTEGER NOT NULL, owner TEXT NOT NULL,
      lease_until INTEGER NOT NULL, PRIMARY KEY (plugin_config_id, task)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  `,
    `
    CREATE TABLE series (
      subject TEXT NOT NULL, step INTEGER NOT NULL, at INTEGER NOT NULL, run TEXT NOT NULL, point TEXT NOT NULL,
      PRIMARY KEY (subject, step, at, run)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX series_by_age ON series (step, at);

    CREATE TABLE problems (
      fingerprint TEXT PRIMARY KEY, kind TEXT NOT NULL, team_id INTEGER NOT NULL, plugin_config_id INTEGER NOT NULL,
      place TEXT NOT NULL, message TEXT NOT NULL, stack TEXT, sample TEXT,
      count INTEGER NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX problems_by_age ON problems (kind, last_at);

    CREATE TABLE sightings (
      id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, team_id INTEGER NOT NULL,
      plugin_config_id INTEGER NOT NULL, uuid TEXT NOT NULL, distinct_id TEXT NOT NULL, name TEXT NOT NULL,
      at INTEGER NOT NULL, body TEXT NOT NULL
    ) STRICT;
    CREATE INDEX sightings_of_kind ON sightings (kind, team_id, id);
    CREATE INDEX sightings_of_event ON sightings (uuid);

    CREATE TABLE things (
      kind TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, value TEXT NOT NULL, updated_at INTEGER NOT NULL,
      PRIMARY KEY (kind, id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE audit (
      id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL,
      target TEXT NOT NULL, before TEXT, after TEXT
    ) STRICT;
    CREATE INDEX audit_of_target ON audit (target, id);
    CREATE INDEX audit_by_age ON audit (at);
  `,
    `
    -- Who asked for it, so that asking again makes no second one.
    ALTER TABLE jobs ADD COLUMN request TEXT;
    CREATE UNIQUE INDEX jobs_of_request ON jobs (request);
  `,
  ],
};
