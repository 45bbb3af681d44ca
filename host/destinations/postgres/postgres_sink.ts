/**
 * The destination `postgres`: a table of events.
 * @module
 */

import postgres from "postgres";
import { type Rejection, type Sink, TryLaterError } from "../../consumers/sink.ts";
import type { StoredRecord } from "../../log/event_log.ts";
import { type Item, PartialDelivery, type PartOutcome } from "../partial_delivery.ts";
import type { PostgresOptions } from "./postgres_options.ts";
import { toEventRow } from "./postgres_row.ts";
import { ensureTable, type EventRow, upsertRows } from "./postgres_table.ts";
import { prepareItems } from "../prepare_items.ts";

/**
 * Classes of SQLSTATE that concern the data: data exception, integrity constraint, program limit (an index entry too
 * long, JSON nested too deep), and errors raised by a trigger. All others concern the server, the table or the rights.
 */
const DATA_ERRORS = /^(22|23|54|P0)/;
const UNDEFINED_TABLE = "42P01";

/** Delivering an event twice is harmless, because rows are upserted by uuid. */
export class PostgresSink implements Sink {
  readonly #options: PostgresOptions;
  readonly #delivery: PartialDelivery<EventRow>;
  #sql: postgres.Sql | null = null;
  #hasTable = false;

  constructor(options: PostgresOptions) {
    this.#options = options;
    this.#delivery = new PartialDelivery({
      send: (part, signal) => this.#send(part, signal),
      // Postgres does not limit the size of a part.
      sizeOf: () => 0,
    });
  }

  async deliver(batch: StoredRecord[], signal: AbortSignal): Promise<Rejection[]> {
    const { items, rejections } = prepareItems(batch, ({ event }) => toEventRow(event));
    return [...rejections, ...await this.#delivery.deliver(items, signal)];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#disconnect();
  }

  async #send(part: Item<EventRow>[], signal: AbortSignal): Promise<PartOutcome> {
    signal.throwIfAborted();
    // Postgres refuses to write one row twice in a statement, so only the last one is kept.
    const rows = new Map(part.map(({ content }) => [content.key, content]));
    try {
      await this.#withDeadline((sql) => this.#write(sql, [...rows.values()]), signal);
      return { kind: "taken" };
    } catch (error) {
      const reason = this.#describe(error);
      const code = error instanceof postgres.PostgresError ? error.code : "";
      // An error before the table exists says nothing about the events.
      if (this.#hasTable && DATA_ERRORS.test(code)) return { kind: "refused", reason };
      // Reconnect next time: this connection may be broken, or waiting for a server that is gone.
      await this.#disconnect();
      signal.throwIfAborted();
      throw new TryLaterError(reason, code === UNDEFINED_TABLE ? 0 : undefined, { cause: error });
    }
  }

  async #write(sql: postgres.Sql, rows: EventRow[]): Promise<void> {
    if (!this.#hasTable) await ensureTable(sql, this.#options);
    this.#hasTable = true;
    await upsertRows(sql, this.#options, rows);
  }

  /**
   * Without a deadline, a server that vanished silently would be waited for until the operating system gives up the
   * connection.
   */
  async #withDeadline(work: (sql: postgres.Sql) => Promise<void>, signal: AbortSignal): Promise<void> {
    const timeoutMs = this.#options.timeout_seconds * 1000;
    const { promise: stopped, reject: stop } = Promise.withResolvers<never>();
    const abort = () => stop(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    const timer = setTimeout(() => stop(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs);
    try {
      await Promise.race([work(this.#connect()), stopped]);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    }
  }

  #connect(): postgres.Sql {
    return this.#sql ??= postgres(this.#options.url, {
      max: 1,
      connect_timeout: Math.ceil(this.#options.timeout_seconds),
      // Connection poolers in transaction mode keep no prepared statements.
      prepare: false,
      fetch_types: false,
      onnotice: () => {},
    });
  }

  async #disconnect(): Promise<void> {
    const sql = this.#sql;
    this.#sql = null;
    this.#hasTable = false;
    await sql?.end({ timeout: 0 });
  }

  #describe(error: unknown): string {
    const { schema, table } = this.#options;
    const message = error instanceof Error ? error.message || error.name : String(error);
    return `Cannot write to table ${schema}.${table}: ${message}`;
  }
}
