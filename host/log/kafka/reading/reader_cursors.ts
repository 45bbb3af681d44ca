/**
 * The positions of the outbox's readers in each partition. They are kept in Postgres, because hundreds of readers per
 * host would otherwise be hundreds of groups in Kafka. A host claims the positions of the partitions it owns with a
 * number of its own (an epoch), and writes of a host that has lost them are refused.
 * @module
 */

import { bigints, type Sql } from "../../../store/postgres/connect.ts";
import type { Connection } from "../../../store/postgres/connection.ts";
import { LogTables } from "../cluster/log_tables.ts";
import { type Direction, StaleCursorError } from "../../event_log.ts";
import type { VectorCursor } from "./vector_cursor.ts";

/**
 * Where a reader stands, or has come to. `moves` is how often it had been moved, instead of going on by itself, when it
 * looked its places up; what it has delivered since is committed only if that has stayed so.
 */
export type ReaderPlaces = Omit<VectorCursor, "era">;

interface PlaceRow {
  project: number;
  reader: string;
  partition: number;
  next: number;
  moves: number;
  epoch: number;
}

interface Commit {
  project: number;
  reader: string;
  places: ReaderPlaces;
  resolve(): void;
  reject(error: unknown): void;
}

export class ReaderCursors implements AsyncDisposable {
  readonly #db: Connection;
  readonly #log: string;
  readonly #tables: LogTables;
  /** By partition, the epoch of this host's last claim; another host's claim since then has a later one. */
  readonly #epochs = new Map<number, number>();
  /** How often this host has moved a reader. */
  #moved = 0;
  #waiting: Commit[] = [];
  #running: Promise<void> | null = null;

  /** @param log distinguishes the log from others in the same database */
  constructor(db: Connection, log: string) {
    this.#db = db;
    this.#log = log;
    this.#tables = new LogTables(db);
  }

  /**
   * Takes the partitions over. Returns the epoch of this claim and, for each partition with readers, the lowest offset
   * that a reader still needs.
   */
  async claim(partitions: number[]): Promise<{ epoch: number; needed: Map<number, number> }> {
    await this.#tables.ready();
    return await this.#db.run("always", async (sql) => {
      const [row] = await sql<{ epoch: number }[]>`SELECT nextval('hogpen_log_epoch')::bigint AS epoch`;
      const epoch = row?.epoch ?? 0;
      const rows = await sql<{ partition: number; next: number }[]>`
        WITH claimed AS (
          UPDATE hogpen_log_readers SET epoch = ${epoch}
          WHERE log = ${this.#log} AND partition = ANY(${bigints(partitions)}::bigint[]) RETURNING partition, next
        ) SELECT partition, min(next)::bigint AS next FROM claimed GROUP BY partition`;
      for (const partition of partitions) this.#epochs.set(partition, epoch);
      return { epoch, needed: new Map(rows.map(({ partition, next }) => [partition, next])) };
    });
  }

  /** The reader's places in those of the partitions in which it has one, lowest first. */
  async load(project: number, reader: string, partitions: number[]): Promise<ReaderPlaces> {
    await this.#tables.ready();
    const rows = await this.#db.run(
      "always",
      (sql) =>
        sql<Pick<PlaceRow, "partition" | "next" | "moves">[]>`SELECT partition, next, moves FROM hogpen_log_readers
        WHERE log = ${this.#log} AND project = ${project} AND reader = ${reader}
        AND partition = ANY(${bigints(partitions)}::bigint[]) ORDER BY partition`,
    );
    return {
      next: new Map(rows.map(({ partition, next }) => [partition, next])),
      moves: new Map(rows.map(({ partition, moves }) => [partition, moves])),
    };
  }

  /** Gives the reader a position in each partition in which it has none. */
  async register(project: number, reader: string, places: ReadonlyMap<number, number>): Promise<void> {
    await this.#tables.ready();
    const [partitions, nexts] = [[...places.keys()], [...places.values()]];
    await this.#db.run("always", (sql) =>
      sql`INSERT INTO hogpen_log_readers (log, project, reader, partition, next)
        SELECT ${this.#log}, ${project}, ${reader}, p, n
        FROM unnest(${bigints(partitions)}::bigint[], ${bigints(nexts)}::bigint[]) AS places(p, n)
        ON CONFLICT DO NOTHING`);
  }

  async forget(project: number, reader: string): Promise<void> {
    await this.#tables.ready();
    await this.#db.run(
      "always",
      (sql) =>
        sql`DELETE FROM hogpen_log_readers WHERE log = ${this.#log} AND project = ${project} AND reader = ${reader}`,
    );
  }

  /**
   * Moves the reader in the partitions in which that takes it in the direction, whichever host they belong to. That
   * host notices at its next commit, or by `movesOfOthers`.
   */
  async move(
    project: number,
    reader: string,
    direction: Direction,
    places: ReadonlyMap<number, number>,
  ): Promise<void> {
    await this.#tables.ready();
    const [partitions, nexts, sign] = [[...places.keys()], [...places.values()], direction === "ahead" ? 1 : -1];
    // Counted before it happens, so that nobody sees it in the database and takes it for another host's.
    this.#moved++;
    let count = 0;
    const run = this.#db.run("always", (sql) =>
      sql`WITH moved AS (
          UPDATE hogpen_log_readers r SET next = places.n, moves = r.moves + 1
          FROM unnest(${bigints(partitions)}::bigint[], ${bigints(nexts)}::bigint[]) AS places(p, n)
          WHERE r.log = ${this.#log} AND r.project = ${project} AND r.reader = ${reader} AND r.partition = places.p
            AND sign(places.n - r.next) = ${sign}
          RETURNING 1
        )
        INSERT INTO hogpen_log_moves AS m (log, count) SELECT ${this.#log}, 1 WHERE EXISTS (SELECT FROM moved)
        ON CONFLICT (log) DO UPDATE SET count = m.count + 1 RETURNING count`);
    try {
      count = (await run).length;
    } finally {
      if (count === 0) this.#moved--;
    }
  }

  /**
   * Commits that arrive together share one statement.
   * @throws StaleCursorError when a partition no longer belongs to this host, or the reader was moved there; what is
   *   committed in the others stays
   */
  commit(project: number, reader: string, places: ReaderPlaces): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ project, reader, places, resolve, reject });
    this.#running ??= this.#run().finally(() => this.#running = null);
    return promise;
  }

  /** A number that grows whenever another host moves a reader. */
  async movesOfOthers(): Promise<number> {
    await this.#tables.ready();
    const [row] = await this.#db.run(
      "always",
      (sql) => sql<{ count: number }[]>`SELECT count FROM hogpen_log_moves WHERE log = ${this.#log}`,
    );
    return (row?.count ?? 0) - this.#moved;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running;
    await this.#db[Symbol.asyncDispose]();
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        const written = await this.#write(batch);
        for (const { project, reader, places, resolve, reject } of batch) {
          const all = [...places.next.keys()].every((partition) => written.has(keyOf(project, reader, partition)));
          if (all) resolve();
          else reject(new StaleCursorError());
        }
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
  }

  async #write(batch: Commit[]): Promise<Set<string>> {
    await this.#tables.ready();
    // Of two commits of one reader, the later one counts.
    const rows = new Map<string, PlaceRow>();
    for (const { project, reader, places } of batch) {
      for (const [partition, next] of places.next) {
        const [moves, epoch] = [places.moves.get(partition) ?? 0, this.#epochs.get(partition) ?? 0];
        rows.set(keyOf(project, reader, partition), { project, reader, partition, next, moves, epoch });
      }
    }
    const written = await this.#db.run("always", (sql) => this.#update(sql, [...rows.values()]));
    return new Set(written.map(({ project, reader, partition }) => keyOf(project, reader, partition)));
  }

  async #update(sql: Sql, places: PlaceRow[]): Promise<Pick<PlaceRow, "project" | "reader" | "partition">[]> {
    return await sql<PlaceRow[]>`
      UPDATE hogpen_log_readers r SET next = u.next, epoch = u.epoch
      FROM jsonb_to_recordset(${JSON.stringify(places)}::text::jsonb)
        AS u(project bigint, reader text, partition int, next bigint, moves int, epoch bigint)
      WHERE r.log = ${this.#log} AND r.project = u.project AND r.reader = u.reader AND r.partition = u.partition
        AND r.epoch <= u.epoch AND r.moves = u.moves AND r.next <= u.next
      RETURNING r.project, r.reader, r.partition`;
  }
}

function keyOf(project: number, reader: string, partition: number): string {
  return `${project} ${partition} ${reader}`;
}
