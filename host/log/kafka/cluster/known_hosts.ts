/**
 * The hosts that open transactions, kept in Postgres: one that is gone may have left a transaction open, which the
 * others can end if they know its name.
 * @module
 */

import type { Connection } from "../../../store/postgres/connection.ts";
import { LogTables } from "./log_tables.ts";

export interface KnownHost {
  host: string;
  /** When it last noted itself, in milliseconds since the epoch. */
  seenAt: number;
}

const RENEW_MS = 3_600_000;
/** A host that has not noted itself for so long is forgotten: Kafka has ended its transactions long ago. */
const FORGET_MS = 7 * 86_400_000;

export class KnownHosts {
  readonly #db: Connection;
  readonly #log: string;
  readonly #host: string;
  readonly #tables: LogTables;
  readonly #now: () => number;
  #notedAt: number | null = null;

  /** @param log distinguishes the log from others in the same database */
  constructor(db: Connection, log: string, hostId: string, now: () => number = Date.now) {
    this.#db = db;
    this.#log = log;
    this.#host = hostId;
    this.#tables = new LogTables(db);
    this.#now = now;
  }

  /** Notes that this host is about to open transactions. */
  async note(): Promise<void> {
    await this.#tables.ready();
    const now = this.#now();
    await this.#db.run("always", (sql) =>
      sql`WITH forgotten AS (
          DELETE FROM hogpen_log_hosts WHERE log = ${this.#log} AND host <> ${this.#host} AND seen_at < ${
        now - FORGET_MS
      }
        )
        INSERT INTO hogpen_log_hosts (log, host, seen_at) VALUES (${this.#log}, ${this.#host}, ${now})
        ON CONFLICT (log, host) DO UPDATE SET seen_at = excluded.seen_at`);
    this.#notedAt = now;
  }

  /** Notes it again an hour later, so that a quiet host stays known. May be called as often as one likes. */
  async renew(): Promise<void> {
    if (this.#notedAt !== null && this.#now() - this.#notedAt >= RENEW_MS) await this.note();
  }

  /** Those that were here last come first. */
  async list(): Promise<KnownHost[]> {
    await this.#tables.ready();
    return await this.#db.run("always", (sql) =>
      sql<KnownHost[]>`SELECT host, seen_at AS "seenAt" FROM hogpen_log_hosts
        WHERE log = ${this.#log} AND seen_at >= ${this.#now() - FORGET_MS} ORDER BY seen_at DESC`);
  }

  /** Forgets a host whose transactions have ended, unless it has noted itself since. */
  async forget({ host, seenAt }: KnownHost): Promise<void> {
    await this.#tables.ready();
    await this.#db.run(
      "always",
      (sql) => sql`DELETE FROM hogpen_log_hosts WHERE log = ${this.#log} AND host = ${host} AND seen_at <= ${seenAt}`,
    );
  }
}
