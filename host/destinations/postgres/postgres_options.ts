/**
 * Options of the destination `postgres`.
 * @module
 */

import { z } from "zod";
import { batchingOptions } from "../batching_options.ts";

/** Names are quoted in SQL. The narrow alphabet lets people query the table without quotes. */
const name = z.string().regex(/^[a-z_][a-z0-9_]{0,62}$/, "expected a lower-case name of letters, digits and _");

export const postgresOptions = z.strictObject({
  url: z.url({ protocol: /^postgres(ql)?$/, error: "expected postgres://user:password@host:port/database" })
    .describe("postgres://user:password@host:port/database, ?sslmode=require for TLS"),
  schema: name.default("public").describe("Must exist"),
  table: name.default("events").describe("Created when it is missing"),
  timeout_seconds: z.number().min(0.1).max(600).default(30).describe("How long one delivery may take"),
  batch: batchingOptions({ maxEvents: 1000, maxBytes: 4_000_000, maxWaitMs: 0 }),
});

export type PostgresOptions = z.output<typeof postgresOptions>;
