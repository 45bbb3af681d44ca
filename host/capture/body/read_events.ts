/**
 * Finds the events, the token and the time of sending in a decoded payload.
 * @module
 */

import { isInYears, parseTimestamp } from "../../../runtime/events/timestamp.ts";
import { isRecord } from "../../../runtime/is_record.ts";
import { createPacer, giveWay } from "./give_way.ts";
import { isSentEvents, type SentEvents } from "./sent_events.ts";
import { invalidPayload, noData, unauthorized } from "../capture_error.ts";
import type { Payload } from "./read_payload.ts";

/** The events of a payload: a single one, an array, or the field `batch` of an object. Refused when there are none. */
export function readEvents(data: unknown): SentEvents {
  if (isSentEvents(data)) return atLeastOne(data);
  if (data === undefined || data === null) throw noData();
  if (!isRecord(data)) throw invalidPayload("Invalid payload: Expected an event, an array of events or a batch!");
  if (Object.keys(data).length === 0) throw noData();
  if (data.batch === undefined || data.batch === null) return [data];
  if (!isSentEvents(data.batch)) throw invalidPayload('Invalid payload: Field "batch" must be an array!');
  return atLeastOne(data.batch);
}

function atLeastOne(events: SentEvents): SentEvents {
  if (events.length === 0) throw noData();
  return events;
}

/** The project's token. Throws 401 when there is none. */
export async function readToken(payload: Payload, method: string): Promise<string> {
  const token = await findToken(payload, method);
  if (token) return token;
  throw unauthorized(
    "missing_api_key",
    "API key not provided. You can find your project API key in the configuration of the service.",
  );
}

/** The token, wherever it stands. The batch's own takes precedence; events that name different projects are refused. */
export async function findToken({ data, query, form }: Payload, method: string): Promise<string | undefined> {
  const inQuery = query.get("token") || query.get("api_key") || undefined;
  if (method === "GET" && inQuery) return inQuery;
  const inForm = form.get("api_key") || form.get("token");
  if (inForm) return inForm;
  if (isSentEvents(data)) return await firstToken(data) ?? inQuery;
  if (!isRecord(data)) return inQuery;
  return tokenOf(data) ?? (isSentEvents(data.batch) ? await firstToken(data.batch) : undefined) ?? inQuery;
}

/** The token of a single event, or of a batch as a whole. */
function tokenOf(data: Record<string, unknown>): string | undefined {
  const token = data.$token || data.token || data.api_key ||
    (isRecord(data.properties) ? data.properties.token : undefined);
  if (!token) return undefined;
  if (typeof token !== "string") throw invalidToken();
  return token;
}

async function firstToken(events: SentEvents): Promise<string | undefined> {
  let first: string | undefined;
  const mustGiveWay = createPacer();
  for (const event of events) {
    if (mustGiveWay()) await giveWay();
    const token = isRecord(event) ? tokenOf(event) : undefined;
    if (token === undefined || token === first) continue;
    if (first !== undefined) throw invalidPayload("Invalid payload: All events of a request must have the same token!");
    first = token;
  }
  return first;
}

/** 401: no project has this token. */
export function invalidToken(): Error {
  return unauthorized(
    "invalid_api_key",
    "Project API key invalid. You can find your project API key in the configuration of the service.",
  );
}

/** Numbers in query parameters with up to this many digits are seconds, longer ones milliseconds. */
const SECONDS_DIGITS = 11;

/** When the client sent the request by its own clock, in ISO 8601; undefined when it is absent or unreadable. */
export function readSentAt({ data, query, form }: Payload): string | undefined {
  const inBody = isRecord(data) ? data.sent_at : undefined;
  return readTime(query.get("_") || query.get("sent_at") || inBody || form.get("sent_at"));
}

/** Whether a batch is marked as a historical import, which PostHog processes on a slower lane. */
export function isHistory(data: unknown): boolean {
  return isRecord(data) && data.historical_migration === true;
}

/** Converts a time in any ISO 8601 spelling, in seconds or in milliseconds to ISO 8601; undefined for anything else. */
export function readTime(said: unknown): string | undefined {
  const text = typeof said === "number" ? String(said) : said;
  const time = typeof text === "string" && /^\d+(?:\.\d+)?$/.test(text) ? fromNumber(text) : parseTimestamp(text);
  return time > 0 && isInYears(time) ? new Date(time).toISOString() : undefined;
}

function fromNumber(text: string): number {
  const digits = text.split(".")[0] ?? "";
  return digits.length <= SECONDS_DIGITS ? Number(text) * 1000 : Number(text);
}
