/**
 * The PostHog behind a project, as configured in hogpen.json.
 * @module
 */

import { z } from "zod";
import { httpUrl } from "../destinations/http/http_url.ts";

export const upstreamSchema = z.strictObject({
  type: z.literal("posthog"),
  host: httpUrl().describe("Where that PostHog is, e.g. https://eu.i.posthog.com"),
  assets_host: httpUrl().optional()
    .describe("Where its scripts are; PostHog Cloud's are known, a self-hosted one has them at its host"),
  api_key: z.string().regex(/^(?!phx_)[\x21-\x7e]{1,200}$/, "expected a project API key (phc_…)").optional()
    .describe("The project's API key there, when it is not the token that SDKs use here"),
});

/** A project's upstream, ready for use. */
export interface Upstream {
  host: string;
  assetsHost: string;
  /** The project's key there; null when it is the same as here. */
  apiKey: string | null;
}

/**
 * The options of a destination `posthog`, with host and key of the project's upstream where it sets none. Other
 * destinations are unchanged.
 */
export function inheritUpstream<T extends Record<string, unknown>>(
  destination: T,
  upstream: { host: unknown; apiKey: unknown },
): T {
  if (destination.type !== "posthog") return destination;
  return { ...destination, host: destination.host ?? upstream.host, api_key: destination.api_key ?? upstream.apiKey };
}

/** The hosts of PostHog Cloud's regions, each of which serves its scripts from another host. */
const CLOUD = /^(https?:\/\/)(us|eu)\.(?:i\.)?posthog\.com$/;

export function toUpstream(given: z.output<typeof upstreamSchema>): Upstream {
  const host = given.host.replace(/\/+$/, "");
  const assetsHost = given.assets_host ?? host.replace(CLOUD, "$1$2-assets.i.posthog.com");
  return { host, assetsHost: assetsHost.replace(/\/+$/, ""), apiKey: given.api_key ?? null };
}
