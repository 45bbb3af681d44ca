/**
 * The option schemas of all destination types, from which the schema of hogpen.json is built.
 * @module
 */

import { ndjsonOptions } from "./ndjson/ndjson_options.ts";
import { posthogOptions } from "./posthog/posthog_options.ts";
import { postgresOptions } from "./postgres/postgres_options.ts";
import { webhookOptions } from "./webhook/webhook_options.ts";

/** Strict object schemas. Their output is valid input, so options may be parsed twice. */
export const destinationOptions = {
  posthog: posthogOptions,
  postgres: postgresOptions,
  webhook: webhookOptions,
  ndjson: ndjsonOptions,
} as const;
