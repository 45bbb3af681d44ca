/**
 * Options of the destination `webhook`.
 * @module
 */

import { z } from "zod";
import { batchingOptions } from "../batching_options.ts";
import { httpUrl } from "../http/http_url.ts";

/** The example schedule of Standard Webhooks 1.0.0: seconds from one attempt to the next. */
export const STANDARD_RETRY_SECONDS = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];

/** Headers that the sink itself sets, or that belong to the connection. */
const RESERVED_HEADERS = /^(webhook-.*|content-.*|host|connection|transfer-encoding)$/i;

const SECRET = "whsec_ followed by the base64 of 24 to 64 random bytes";

const secret = z.string().refine((text) => secretBytes(text) !== null, { error: `expected ${SECRET}` });

export const webhookOptions = z.strictObject({
  url: httpUrl().describe("Where batches are POSTed"),
  secret: z.union([secret, z.array(secret).min(1).max(5)], { error: `expected ${SECRET}, or a list of them` })
    .describe("whsec_…; during a rotation a list, each signs"),
  headers: z.record(
    z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, "expected a header name"),
    z.string().regex(/^[\t\x20-\x7e]*$/, "expected printable ASCII"),
  )
    .refine((headers) => !Object.keys(headers).some((name) => RESERVED_HEADERS.test(name)), {
      error: "expected no webhook-…, content-… or connection headers: the service sets them",
    })
    .default({})
    .describe("Further headers, e.g. authorization"),
  retry_seconds: z.array(z.number().min(0).max(604_800)).min(1).default(STANDARD_RETRY_SECONDS)
    .describe("Waits between attempts; the last one is repeated"),
  timeout_seconds: z.number().min(0.1).max(600).default(20).describe("How long a request may take"),
  batch: batchingOptions({ maxEvents: 100, maxBytes: 1_000_000, maxWaitMs: 1000 }),
});

export type WebhookOptions = z.output<typeof webhookOptions>;

/** The key in a `whsec_…` text; null when the text is not one. */
export function secretBytes(text: string): Uint8Array<ArrayBuffer> | null {
  const base64 = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text)?.[1];
  if (base64 === undefined) return null;
  try {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    return bytes.length >= 24 && bytes.length <= 64 ? bytes : null;
  } catch {
    return null;
  }
}
