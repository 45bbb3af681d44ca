/**
 * Queries that survive an outage of Postgres. A query that was never sent is retried for a while, a hanging one is cut
 * off, and the first query after the outage works without a restart.
 * @module
 */

import { connect, type Sql } from "./connect.ts";
import { migrate, NewerSchemaError } from "./migrations.ts";

export interface PostgresOptions {
  /** How long a call waits for Postgres to return before it rejects, in milliseconds. Default 10 s. */
  waitMs?: number;
  /** How long Postgres may take to answer before the connections are abandoned, in milliseconds. Default 30 s. */
  answerMs?: number;
  /** Default 10. */
  maxConnections?: number;
  now?: () => number;
}

/** Postgres is unavailable or does not answer. The call may be repeated later. */
export class StoreUnavailableError extends Error {
  override name = "StoreUnavailableError";
}

/**
 * `unsent` queries are retried only if Postgres cannot have received them; `always` queries may run twice without harm.
 */
export type Retry = "always" | "unsent";

/** Runs queries. The client that it passes is only valid for this one attempt. */
export type RunQuery = <T>(retry: Retry, query: (sql: Sql) => Promise<T>) => Promise<T>;

/** The most calls at a time, including waiting ones; further calls reject at once. */
const MAX_CALLS = 5000;
/** Error codes after which Postgres cannot have received the query. */
const UNSENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "CONNECT_TIMEOUT",
  "57P03",
  "53300",
]);
/** Error codes for a connection that ended during the query. */
const LOST = new Set([
  "CONNECTION_CLOSED",
  "CONNECTION_ENDED",
  "CONNECTION_DESTROYED",
  "ECONNRESET",
  "EPIPE",
  "57P01",
  "57P02",
]);

export class Connection implements AsyncDisposable {
  readonly #url: string;
  readonly #options: Required<Pick<PostgresOptions, "waitMs" | "answerMs" | "maxConnections">>;
  #sql: Sql;
  #migrated: Promise<void> | null = null;
  #calls = 0;
  readonly #closing = new AbortController();

  constructor(url: string, { waitMs = 10_000, answerMs = 30_000, maxConnections = 10 }: PostgresOptions) {
    this.#url = url;
    this.#options = { waitMs, answerMs, maxConnections };
    this.#sql = this.#connect();
  }

  /**
   * Brings the tables up to date. Resolves also when Postgres is unavailable; then the first query that reaches it does
   * so.
   */
  async open(): Promise<void> {
    try {
      await this.#attempt((sql) => this.#migrate(sql));
    } catch (error) {
      if (!isAway(error)) throw error;
    }
  }

  run: RunQuery = async (retry, query) => {
    if (this.#closing.signal.aborted) throw new Error("Cannot use the store: it is closed");
    if (this.#calls >= MAX_CALLS) throw this.#unavailable(new Error(`${MAX_CALLS} calls wait for it already`));
    this.#calls++;
    try {
      return await this.#runWithin(Date.now() + this.#options.waitMs, retry, query);
    } finally {
      this.#calls--;
    }
  };

  async ping(): Promise<boolean> {
    try {
      await this.#attempt(async (sql) => {
        await this.#migrate(sql);
        await sql`SELECT 1`;
      }, 2_000);
      return true;
    } catch {
      return false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#sql.end({ timeout: 5 });
  }

  async #runWithin<T>(deadline: number, retry: Retry, query: (sql: Sql) => Promise<T>): Promise<T> {
    for (let pauseMs = 50;; pauseMs = Math.min(pauseMs * 2, 1000)) {
      let sent = false;
      try {
        return await this.#attempt(async (sql) => {
          await this.#migrate(sql);
          sent = true;
          return await query(sql);
        });
      } catch (error) {
        if (!isAway(error)) throw error;
        const again = retry === "always" || !sent || UNSENT.has(codeOf(error));
        if (!again || Date.now() + pauseMs > deadline) throw this.#unavailable(error);
      }
      await this.#pause(pauseMs);
    }
  }

  /** One attempt. Without an answer in time every connection is suspect, and all are replaced. */
  async #attempt<T>(query: (sql: Sql) => Promise<T>, answerMs = this.#options.answerMs): Promise<T> {
    const sql = this.#sql;
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new StoreUnavailableError(`no answer in ${answerMs} ms`)), answerMs);
    try {
      return await Promise.race([query(sql), late.promise]);
    } catch (error) {
      if (error instanceof StoreUnavailableError && this.#sql === sql) {
        this.#sql = this.#connect();
        this.#migrated = null;
        void sql.end({ timeout: 0 });
      }
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  #migrate(sql: Sql): Promise<void> {
    return this.#migrated ??= migrate(sql).catch((error) => {
      this.#migrated = null;
      throw error;
    });
  }

  #connect(): Sql {
    const { maxConnections, answerMs } = this.#options;
    return connect(this.#url, { maxConnections, connectTimeoutMs: Math.min(answerMs, 5_000) });
  }

  #pause(ms: number): Promise<void> {
    const { signal } = this.#closing;
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener("abort", done);
    });
  }

  #unavailable(error: unknown): StoreUnavailableError {
    const found = error instanceof Error ? error.message : String(error);
    return new StoreUnavailableError(`Cannot use the store: Postgres at ${new URL(this.#url).host}: ${found}`, {
      cause: error,
    });
  }
}

/** Whether a later attempt may succeed without any change here. */
function isAway(error: unknown): boolean {
  if (error instanceof NewerSchemaError) return false;
  return error instanceof StoreUnavailableError || UNSENT.has(codeOf(error)) || LOST.has(codeOf(error));
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}
