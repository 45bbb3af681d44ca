/**
 * How many events a destination takes at once: the same three fields for every type, each with its own defaults.
 * @module
 */

import { z } from "zod";
import type { Batching } from "../consumers/sink.ts";

/** The schema of `batch`, with the defaults of one destination type. */
export function batchingOptions(defaults: Batching) {
  return z.strictObject({
    max_events: z.int().min(1).max(10_000).default(defaults.maxEvents)
      .describe("Most events in one delivery"),
    max_bytes: z.int().min(1_000).max(64_000_000).default(defaults.maxBytes)
      .describe("Most bytes of event JSON in one delivery; a single larger event goes alone"),
    max_wait_ms: z.int().min(0).max(600_000).default(defaults.maxWaitMs)
      .describe("How long to wait for more events after the first; 0 sends what is there"),
  }).prefault({});
}

/** `batch` as the consumer takes it. */
export function toBatching(options: z.output<ReturnType<typeof batchingOptions>>): Batching {
  return { maxEvents: options.max_events, maxBytes: options.max_bytes, maxWaitMs: options.max_wait_ms };
}
