/**
 * The table of the destination `postgres`: its columns, its creation, and how rows are written to it.
 * @module
 */

import type { ISql } from "postgres";

/** Name, type and meaning of each column, in the order of the table. */
const COLUMNS = [
  ["uuid", "uuid not null", "The event's UUID; with team_id the primary key"],
  ["team_id", "bigint not null", "The project"],
  ["event", "text not null", "The event's name"],
  ["distinct_id", "text not null", "Who did it"],
  ["timestamp", "timestamptz not null", "When it happened, corrected for the clock of the device"],
  ["properties", "jsonb not null", "Its properties, after the plugins"],
  ["set", "jsonb", "Person properties to set ($set)"],
  ["set_once", "jsonb", "Person properties to set if they are not set yet ($set_once)"],
  ["ip", "text", "Address of the sender; null when unknown or anonymised"],
  ["received_at", "timestamptz", "When the service received it"],
  ["extra", "jsonb", "Other top-level fields that the SDK sent; null when there are none"],
] as const;

/** For common queries: recent events, occurrences of one event, and the events of one person. */
const INDEXES = ["team_id, timestamp", "team_id, event, timestamp", "team_id, distinct_id, timestamp"];

/** JSON values by column. */
export type EventColumns = Record<typeof COLUMNS[number][0], unknown>;

/** A row ready to be written. */
export interface EventRow {
  /** No two rows of a statement may have the same key. */
  key: string;
  /** {@linkcode EventColumns} as JSON. */
  json: string;
}

export interface TableName {
  schema: string;
  table: string;
}

/** Creates the table unless it exists. An existing table is left as it is, which needs no right to create anything. */
export async function ensureTable(sql: ISql, name: TableName): Promise<void> {
  const quoted = quote(name);
  const [found] = await sql.unsafe("select to_regclass($1) is not null as exists", [quoted]);
  if (found?.exists) return;
  const columns = COLUMNS.map(([column, type]) => `"${column}" ${type}`).join(", ");
  const statements = [
    "begin",
    // "if not exists" alone fails when two hosts create the table at the same time.
    `select pg_advisory_xact_lock(hashtext('${quoted}'))`,
    `create table if not exists ${quoted} (${columns}, inserted_at timestamptz not null default now(), primary key (uuid, team_id))`,
    ...INDEXES.map((index) => `create index if not exists ${indexName(name, index)} on ${quoted} (${index})`),
    ...COLUMNS.map(([column, _, meaning]) =>
      `comment on column ${quoted}."${column}" is '${meaning.replaceAll("'", "''")}'`
    ),
    `comment on column ${quoted}.inserted_at is 'When the row was first written'`,
    "commit",
  ];
  await sql.unsafe(statements.join(";\n"));
}

/**
 * Writes rows in one statement. An existing row (same uuid and project) is replaced when it differs and not touched
 * when it is the same.
 */
export async function upsertRows(sql: ISql, name: TableName, rows: EventRow[]): Promise<void> {
  const names = COLUMNS.map(([column]) => `"${column}"`);
  const values = COLUMNS.filter(([column]) => column !== "uuid" && column !== "team_id").map(([column]) =>
    `"${column}"`
  );
  const types = COLUMNS.map(([column, type]) => `"${column}" ${type.replace(" not null", "")}`);
  // One parameter for all rows: no limit on the number of parameters, and no escaping but that of JSON.
  await sql.unsafe(
    `insert into ${quote(name)} as old (${names})
     select ${names} from json_to_recordset($1::text::json) as new (${types})
     on conflict (uuid, team_id) do update set ${values.map((value) => `${value} = excluded.${value}`)}
     where (${values.map((value) => `old.${value}`)}) is distinct from (${values.map((value) => `excluded.${value}`)})`,
    [`[${rows.map(({ json }) => json).join()}]`],
  );
}

function quote({ schema, table }: TableName): string {
  return `"${schema}"."${table}"`;
}

/** Postgres truncates long names, and two truncated names could be the same. */
function indexName({ table }: TableName, columns: string): string {
  return `"${table.slice(0, 30)}_${columns.replaceAll(", ", "_")}_idx"`;
}
