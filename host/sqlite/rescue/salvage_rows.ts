/**
 * Reads what is left of a table in a damaged file: from the start up to the damage, from the end back to the damage,
 * and then the rows in between one by one. Rows are read singly, because node:sqlite ends an iteration at a damaged
 * page as if there were no more rows.
 * @module
 */

import type { DatabaseSync, SQLInputValue, SQLOutputValue } from "node:sqlite";

export type Row = Record<string, SQLOutputValue>;

export interface TableShape {
  name: string;
  /** The columns by which its rows are found. */
  key: readonly string[];
}

/**
 * The most rows between two damaged places that are asked for one by one. Of a table with more, only the ends are read.
 */
const MOST_BETWEEN = 2_000_000;
const ROWID = ["rowid"];
/** A prefix for the columns of the key, which are selected beside those of the table. */
const KEY = "hogpen_key_";

/** The tables of an intact database. */
export function tablesOf(db: DatabaseSync): TableShape[] {
  const tables = db.prepare(
    "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'",
  ).all();
  const keyOf = db.prepare("SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk");
  return tables.map(({ name, wr }) => ({
    name: String(name),
    key: wr === 0 ? ROWID : keyOf.all(String(name)).map((column) => String(column.name)),
  }));
}

/** Passes each readable row to `take`. True if the whole table was readable. */
export function salvageRows(db: DatabaseSync, table: TableShape, take: (row: Row) => void): boolean {
  const first = walk(db, table, ">", null, take);
  if (first.isWhole) return true;
  const last = walk(db, table, "<", first.key, take);
  if (table.key === ROWID && first.key !== null && last.key !== null) {
    const [from, to] = [Number(first.key[0]), Number(last.key[0])];
    if (to - from <= MOST_BETWEEN) {
      for (let between = from + 1; between < to; between++) ask(db, table, between, take);
    }
  }
  return false;
}

interface Walk {
  /** The key of the last row that could be read. */
  key: SQLInputValue[] | null;
  isWhole: boolean;
}

/** Goes up from the start, or down from the end to `until`. */
function walk(
  db: DatabaseSync,
  { name, key }: TableShape,
  way: ">" | "<",
  until: SQLInputValue[] | null,
  take: (row: Row) => void,
): Walk {
  const columns = key.join(", ");
  const order = key.map((column) => `${column} ${way === ">" ? "ASC" : "DESC"}`).join(", ");
  const marks = key.map(() => "?").join(", ");
  const select = `SELECT ${
    key.map((column, index) => `${column} AS ${KEY}${index}`).join(", ")
  }, * FROM "${name}" NOT INDEXED`;
  const bound = until === null ? [] : [`(${columns}) > (${marks})`];
  const read: Walk = { key: null, isWhole: false };
  try {
    const where = (conditions: string[]) => conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
    const start = db.prepare(`${select} ${where(bound)} ORDER BY ${order} LIMIT 1`);
    const next = db.prepare(
      `${select} ${where([...bound, `(${columns}) ${way} (${marks})`])} ORDER BY ${order} LIMIT 1`,
    );
    for (;;) {
      const row: Row | undefined = read.key === null
        ? start.get(...until ?? [])
        : next.get(...until ?? [], ...read.key);
      if (row === undefined) return { ...read, isWhole: true };
      read.key = key.map((_, index) => row[`${KEY}${index}`] ?? null);
      take(row);
    }
  } catch (error) {
    if (isBug(error)) throw error;
    return read;
  }
}

function ask(db: DatabaseSync, { name }: TableShape, rowid: number, take: (row: Row) => void): void {
  try {
    const row = db.prepare(`SELECT * FROM "${name}" NOT INDEXED WHERE rowid = ?`).get(rowid);
    if (row !== undefined) take(row);
  } catch (error) {
    if (isBug(error)) throw error;
  }
}

/** True for an error that does not come from SQLite. */
function isBug(error: unknown): boolean {
  return !(error instanceof Error && "code" in error && error.code === "ERR_SQLITE_ERROR");
}
