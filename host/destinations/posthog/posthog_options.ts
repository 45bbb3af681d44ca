/**
 * Options of the destination `posthog`.
 * @module
 */

import { z } from "zod";
import { batchingOptions } from "../batching_options.ts";
import { httpUrl } from "../http/http_url.ts";

export const posthogOptions = z.strictObject({
  host: httpUrl().default("https://us.i.posthog.com")
    .describe("Where that PostHog takes events, e.g. https://eu.i.posthog.com; a path in it is kept"),
  api_key: z.string().regex(/^[\x21-\x7e]{1,200}$/, "expected a project API key (phc_…)")
    .refine((key) => !key.startsWith("phx_"), {
      error: "expected a project API key (phc_…), found a personal one (phx_…)",
    })
    .describe("The project's API key there"),
  gzip: z.boolean().default(true).describe("Compress requests"),
  historical_migration: z.boolean().default(false)
    .describe("Mark the events as history, so that PostHog takes them on its slower lane"),
  timeout_seconds: z.number().min(0.1).max(600).default(30).describe("How long a request may take"),
  // PostHog's own limit is 20 MB. Smaller requests are repeated sooner when one is lost.
  batch: batchingOptions({ maxEvents: 1000, maxBytes: 4_000_000, maxWaitMs: 0 }),
});

export type PosthogOptions = z.output<typeof posthogOptions>;
