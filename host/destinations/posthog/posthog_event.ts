/**
 * An event of the outbox as an SDK would have sent it to another PostHog.
 * @module
 */

import { isRecord } from "../../../runtime/is_record.ts";

/** Fields that the service added for itself, or that would make the far side compute another time, project or person. */
const OMITTED = [
  "team_id",
  "now",
  "site_url",
  "ip",
  // `timestamp` is already corrected by these two; PostHog would correct it again.
  "sent_at",
  "offset",
  // The request says whose events they are. An alias beside the field it stands for makes PostHog refuse the event.
  "token",
  "$token",
  "api_key",
  "$distinct_id",
  // Said of the request.
  "historical_migration",
] as const;

/** What /batch/ takes of one event; a little less than a MiB, for what PostHog adds before it measures. */
const MAX_BATCHED_LENGTH = 1_000_000;

export interface PosthogEvent {
  /** JSON. */
  json: string;
  /** Where PostHog takes it. What does not go to /batch/ goes in a request of its own. */
  path: "/batch/" | "/s/" | "/i/v0/ai/batch/";
  /** It came in a request that was marked as a migration of history, and is to go out in one. */
  isHistory: boolean;
}

/** `ownToken`, where it stands among the properties (posthog-js puts it there), becomes `apiKey`. */
export function toPosthogEvent(event: Uint8Array, apiKey: string, ownToken?: string): PosthogEvent {
  const fields: unknown = JSON.parse(new TextDecoder().decode(event));
  if (!isRecord(fields)) throw new TypeError("Cannot send the event: it is not a JSON object");
  const properties = isRecord(fields.properties) ? fields.properties : {};
  // Without $ip the far side takes the address that the request came from: ours. Null says that there is none.
  if (!Object.hasOwn(properties, "$ip")) properties.$ip = fields.ip ?? null;
  if (ownToken !== undefined && properties.token === ownToken) properties.token = apiKey;
  const forwarded: Record<string, unknown> = { ...fields, properties };
  for (const name of OMITTED) delete forwarded[name];
  const json = JSON.stringify(forwarded);
  return { json, path: pathOf(fields.event, json.length), isHistory: fields.historical_migration === true };
}

function pathOf(name: unknown, length: number): PosthogEvent["path"] {
  // Session recordings: one session per request.
  if (name === "$snapshot") return "/s/";
  // What went into a model and came out of it can be large; SDKs send such events there.
  if (length > MAX_BATCHED_LENGTH && typeof name === "string" && name.startsWith("$ai_")) return "/i/v0/ai/batch/";
  return "/batch/";
}
