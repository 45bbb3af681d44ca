/**
 * The log's tables in Postgres, created when they are first needed.
 * @module
 */

import type { Connection } from "../../../store/postgres/connection.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS hogpen_log_readers (
    log text NOT NULL, project bigint NOT NULL, reader text NOT NULL, partition int NOT NULL,
    next bigint NOT NULL, epoch bigint NOT NULL DEFAULT 0, moves int NOT NULL DEFAULT 0,
    PRIMARY KEY (log, project, reader, partition)
  );
  CREATE TABLE IF NOT EXISTS hogpen_log_hosts (
    log text NOT NULL, host text NOT NULL, seen_at bigint NOT NULL, PRIMARY KEY (log, host)
  );
  CREATE TABLE IF NOT EXISTS hogpen_log_ids (log text PRIMARY KEY, id text NOT NULL);
  CREATE TABLE IF NOT EXISTS hogpen_log_topics (log text PRIMARY KEY, id text NOT NULL);
  CREATE TABLE IF NOT EXISTS hogpen_log_moves (log text PRIMARY KEY, count bigint NOT NULL);
  CREATE SEQUENCE IF NOT EXISTS hogpen_log_epoch;
`;

/** Two hosts that create the same table at the same time would get an error from Postgres. */
const SCHEMA_LOCK = 7_205_115;

export class LogTables {
  readonly #db: Connection;
  #created: Promise<void> | null = null;

  constructor(db: Connection) {
    this.#db = db;
  }

  /** Resolves when the tables are there. */
  async ready(): Promise<void> {
    this.#created ??= this.#db.run("always", async (sql) => {
      await sql.begin(async (transaction) => {
        await transaction`SELECT pg_advisory_xact_lock(${SCHEMA_LOCK})`;
        await transaction.unsafe(SCHEMA);
      });
    });
    try {
      await this.#created;
    } catch (error) {
      this.#created = null;
      throw error;
    }
  }
}
