/**
 * Copies the contents of a store on SQLite into one on Postgres. Everything is copied in one transaction and only once,
 * so that a copy that was killed can be repeated. Rows whose keys Postgres already has are not overwritten.
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { BackEndError, toBackEndError } from "../back_end_error.ts";
import { openDatabase } from "../sqlite/open_database.ts";
import { connect, type Sql } from "./postgres/connect.ts";
import { migrate } from "./postgres/migrations.ts";
import { withoutNul } from "./rows.ts";
import { STORE_FORMAT } from "./sqlite/schema.ts";

export interface CopyStoreOptions {
  /** The SQLite file, to which nobody else may be writing. */
  path: string;
  databaseUrl: string;
  /** Identifies the copy: a copy with the same name is not made again. */
  name: string;
}

/** Numbers of rows by table. */
export type CopiedRows = Record<string, number>;

/** Ids that the database generates are generated again, in the order of the old ones. */
const TABLES: Record<string, { columns: string[]; order?: string }> = {
  settings: { columns: ["key", "value"] },
  plugin_storage: { columns: ["plugin_config_id", "key", "value"] },
  plugin_configs: { columns: ["plugin_config_id", "disabled_reason", "revision", "last_error", "capabilities"] },
  things: { columns: ["kind", "id", "version", "value", "updated_at"] },
  audit: { columns: ["at", "actor", "action", "target", "before", "after"], order: "id" },
  ticks: { columns: ["plugin_config_id", "task", "tick", "owner", "lease_until"] },
  dead_letters: { columns: ["team_id", "consumer", "reason", "event", "at"], order: "id" },
  plugin_logs: {
    columns: ["id", "plugin_config_id", "team_id", "at", "source", "type", "message", "instance_id"],
    order: "seq",
  },
  jobs: {
    columns: [
      ...["kind", "plugin_config_id", "team_id", "type", "payload", "run_at", "attempt", "max_attempts", "depth"],
      ...["state", "created_at", "updated_at", "last_error", "owner", "due_at", "request"],
    ],
    order: "id",
  },
  problems: {
    columns: [
      ...["fingerprint", "kind", "team_id", "plugin_config_id", "place", "message", "stack", "sample", "count"],
      ...["first_at", "last_at"],
    ],
  },
  sightings: {
    columns: ["kind", "team_id", "plugin_config_id", "uuid", "distinct_id", "name", "at", "body"],
    order: "id",
  },
  series: { columns: ["subject", "step", "at", "run", "point"] },
};

/** Rows in one statement. */
const ROWS = 500;

type Row = Record<string, string | number | null>;

/** Null if it was copied before. Rejects with a BackEndError. */
export async function copyStore({ path, databaseUrl, name }: CopyStoreOptions): Promise<CopiedRows | null> {
  const sql = connect(databaseUrl, { maxConnections: 2, connectTimeoutMs: 5000 });
  try {
    using db = openDatabase(path, STORE_FORMAT, "full");
    await migrate(sql);
    return await sql.begin(async (transaction) => await copyAll(db, transaction as unknown as Sql, `copied:${name}`));
  } catch (error) {
    if (error instanceof BackEndError) throw error;
    throw toBackEndError(error);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function copyAll(db: DatabaseSync, sql: Sql, marker: string): Promise<CopiedRows | null> {
  const { count } =
    await sql`INSERT INTO hogpen.settings (key, value) VALUES (${marker}, 'true') ON CONFLICT DO NOTHING`;
  if (count === 0) return null;
  const copied: CopiedRows = {};
  for (const [table, { columns, order }] of Object.entries(TABLES)) {
    copied[table] = 0;
    const query = `SELECT ${columns.map((column) => `"${column}"`).join(", ")} FROM ${table}${
      order === undefined ? "" : ` ORDER BY ${order}`
    }`;
    let rows: Row[] = [];
    for (const row of db.prepare(query).iterate() as Iterable<Row>) {
      rows.push(table === "jobs" ? freeJob(row) : row);
      if (rows.length < ROWS) continue;
      copied[table] += await insert(sql, table, columns, rows);
      rows = [];
    }
    copied[table] += await insert(sql, table, columns, rows);
  }
  return copied;
}

async function insert(sql: Sql, table: string, columns: string[], rows: Row[]): Promise<number> {
  if (rows.length === 0) return 0;
  const { count } = await sql`
    INSERT INTO ${sql(`hogpen.${table}`)} (${sql(columns)})
    SELECT ${sql(columns)} FROM jsonb_populate_recordset(NULL::${sql(`hogpen.${table}`)}, ${
    json(rows)
  }::text::jsonb) ON CONFLICT DO NOTHING`;
  return count;
}

/** Texts in Postgres cannot contain NUL. */
function json(rows: Row[]): string {
  return JSON.stringify(rows, (_, value) => typeof value === "string" ? withoutNul(value) : value);
}

/** A job that the host was running when it ended runs again. Every job on Postgres needs a request id. */
function freeJob(row: Row): Row {
  const free = row.state === "running" ? { state: "waiting", due_at: row.run_at ?? 0, owner: null } : {};
  return { ...row, ...free, request: row.request ?? crypto.randomUUID() };
}
