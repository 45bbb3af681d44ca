/**
 * Options of the destination `ndjson`.
 * @module
 */

import { z } from "zod";
import { batchingOptions } from "../batching_options.ts";

export const ndjsonOptions = z.strictObject({
  path: z.string().min(1).describe("The file, or `stdout`; a relative path starts at the working directory"),
  max_bytes: z.int().min(1_000).default(100_000_000).describe("Size at which the file is rotated"),
  keep: z.int().min(1).max(1_000).default(10).describe("Rotated files kept (path.1 is the newest); older are deleted"),
  batch: batchingOptions({ maxEvents: 1000, maxBytes: 4_000_000, maxWaitMs: 0 }),
});

export type NdjsonOptions = z.output<typeof ndjsonOptions>;
