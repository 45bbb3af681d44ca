/**
 * The connection pool to Postgres.
 * @module
 */

import postgres from "postgres";

/** The client with our types: Postgres' 64-bit integers are numbers here (times, ids, counts: all below 2^53). */
export type Sql = postgres.Sql<{ bigint: number }>;

export interface ConnectOptions {
  maxConnections: number;
  connectTimeoutMs: number;
}

/** Connects when the first query comes. */
export function connect(url: string, { maxConnections, connectTimeoutMs }: ConnectOptions): Sql {
  return postgres(url, {
    max: maxConnections,
    connect_timeout: Math.max(1, Math.ceil(connectTimeoutMs / 1000)),
    // Array types are the only reason to ask; lists go in as text instead.
    fetch_types: false,
    // The pause between attempts is ours (host/store/postgres/connection.ts).
    backoff: () => 0,
    onnotice: () => {},
    types: { bigint: { to: 20, from: [20], parse: Number, serialize: String } },
    connection: { application_name: "hogpen" },
  });
}

/** A list of numbers as a text that Postgres casts to `bigint[]`. */
export function bigints(numbers: number[]): string {
  return `{${numbers.join(",")}}`;
}
