/**
 * Builds the HTTP request of a `posthog.api` call, as PostHog's plugin server did.
 * @module
 */

import { z } from "zod";
import { checkArguments, text } from "../check_arguments.ts";
import type { ApiSettings } from "./api_settings.ts";
import type { ServiceLimits } from "../limits/service_limits.ts";

/** A request ready to be sent. */
export interface ApiRequest {
  method: string;
  url: string;
  headers: Record<string, string>;
  body?: string;
  /** Whether the request carries the operator's keys, in which case it may only go to the operator's host. */
  secret: boolean;
}

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;
const WITH_BODY: readonly string[] = ["POST", "PUT", "PATCH"];
const KEY_CHARS = 1000;

/** Throws PostHog's messages when the keys do not fit, and names the setting when one is missing. */
export function buildApiRequest(args: unknown[], settings: ApiSettings, limits: ServiceLimits): ApiRequest {
  const [{ method, path, options }] = checkArguments("posthog.api", argumentsSchema(limits), args);
  const { personalApiKey, projectApiKey, data } = options;
  if (Boolean(personalApiKey) !== Boolean(projectApiKey)) {
    throw new Error("You must specify a personalApiKey if you specify a projectApiKey and vice-versa!");
  }
  const host = options.host || settings.host;
  if (!host) {
    throw new Error("Cannot call posthog.api: no PostHog instance is configured; the operator sets POSTHOG_HOST");
  }
  const token = projectApiKey || required(settings.projectApiKey, "POSTHOG_PROJECT_API_KEY");
  const key = personalApiKey || required(settings.personalApiKey, "POSTHOG_PERSONAL_API_KEY");

  const query = new URLSearchParams();
  // Methods without a body carry their data in the address. For DELETE, PostHog silently dropped it.
  const inBody = WITH_BODY.includes(method);
  if (!inBody) { for (const [name, value] of Object.entries(data)) query.append(name, asText(value)); }
  query.append("token", token);

  const trimmed = path.replace("@current", settings.projectId).replace(/^\//, "");
  const address = `${host.replace(/\/$/, "")}/${trimmed}`;
  return {
    method,
    url: `${address}${address.includes("?") ? "&" : "?"}${query}`,
    headers: {
      Authorization: `Bearer ${key}`,
      ...(inBody && { "Content-Type": "application/json" }),
      ...options.headers,
    },
    ...(inBody && { body: JSON.stringify(data) }),
    secret: !personalApiKey,
  };
}

function argumentsSchema(limits: ServiceLimits) {
  const options = z.object({
    headers: z.record(z.string().max(200), z.string().max(8000)).nullish().transform((headers) => headers ?? {}),
    data: z.record(z.string(), z.unknown()).nullish().transform((data) => data ?? {}).refine(
      (data) => JSON.stringify(data).length <= limits.apiRequestChars,
      `expected data of at most ${limits.apiRequestChars} characters`,
    ),
    host: text("the host", 2000).nullish(),
    projectApiKey: text("projectApiKey", KEY_CHARS).nullish(),
    personalApiKey: text("personalApiKey", KEY_CHARS).nullish(),
  });
  return z.tuple([z.object({
    method: z.string().transform((method) => method.toUpperCase()).pipe(z.enum(METHODS)),
    path: text("the path", 8000),
    options: z.preprocess((given) => given ?? {}, options),
  })]);
}

function required(value: string | null, setting: string): string {
  if (value) return value;
  throw new Error(`Cannot call posthog.api: it needs keys, and the operator has not set ${setting}`);
}

function asText(value: unknown): string {
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}
