/**
 * Converts an event of the outbox to the form in which an SDK would have sent it to another PostHog.
 * @module
 */

import { isRecord } from "../../../runtime/is_record.ts";

/**
 * Fields that the service added for itself, or that would make the far side compute another time, project or person.
 */
const OMITTED = [
  "team_id",
  "now",
  "site_url",
  "ip",
  // `timestamp` is already corrected by these two; PostHog would correct it again.
  "sent_at",
  "offset",
  // The request says which project the events belong to. PostHog refuses an event that has an alias beside the field it
  // stands for.
  "token",
  "$token",
  "api_key",
  "$distinct_id",
  // A property of the request, not of the event.
  "historical_migration",
] as const;

/**
 * The largest event in bytes for /batch/. This is a little less than PostHog's MiB, because PostHog adds fields before
 * it measures.
 */
const MAX_BATCHED_LENGTH = 1_000_000;

export interface PosthogEvent {
  /** JSON. */
  json: string;
  /** The endpoint that accepts the event. Anything that does not go to /batch/ has a request of its own. */
  path: "/batch/" | "/s/" | "/i/v0/ai/batch/";
  /** The event arrived in a request marked as a historical import, and is forwarded in one. */
  isHistory: boolean;
}

/** posthog-js puts the project's token among the properties: there, `ownToken` is replaced by `apiKey`. */
export function toPosthogEvent(event: Uint8Array, apiKey: string, ownToken?: string): PosthogEvent {
  const fields: unknown = JSON.parse(new TextDecoder().decode(event));
  if (!isRecord(fields)) throw new TypeError("Cannot send the event: it is not a JSON object");
  const properties = isRecord(fields.properties) ? fields.properties : {};
  // Without $ip the far side would record the address of this service. Null says that there is none.
  if (!Object.hasOwn(properties, "$ip")) properties.$ip = fields.ip ?? null;
  if (ownToken !== undefined && properties.token === ownToken) properties.token = apiKey;
  const forwarded: Record<string, unknown> = { ...fields, properties };
  for (const name of OMITTED) delete forwarded[name];
  const json = JSON.stringify(forwarded);
  return { json, path: pathOf(fields.event, json.length), isHistory: fields.historical_migration === true };
}

function pathOf(name: unknown, length: number): PosthogEvent["path"] {
  // Session recordings go one session per request.
  if (name === "$snapshot") return "/s/";
  // Inputs and outputs of models can be large; SDKs send such events here.
  if (length > MAX_BATCHED_LENGTH && typeof name === "string" && name.startsWith("$ai_")) return "/i/v0/ai/batch/";
  return "/batch/";
}
