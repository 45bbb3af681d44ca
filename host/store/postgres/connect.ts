/**
 * The connection pool to Postgres.
 * @module
 */

import postgres from "postgres";

/** The client with our types. 64-bit integers are read as numbers: times, ids and counts are all below 2^53. */
export type Sql = postgres.Sql<{ bigint: number }>;

export interface ConnectOptions {
  maxConnections: number;
  connectTimeoutMs: number;
}

/** The pool connects when the first query runs. */
export function connect(url: string, { maxConnections, connectTimeoutMs }: ConnectOptions): Sql {
  return postgres(url, {
    max: maxConnections,
    connect_timeout: Math.max(1, Math.ceil(connectTimeoutMs / 1000)),
    // Only array types would need this query; lists are passed as text instead.
    fetch_types: false,
    // The pauses between attempts are in host/store/postgres/connection.ts.
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
