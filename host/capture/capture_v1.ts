/**
 * The newer capture endpoint, `/i/v1/analytics/events`. Headers carry the token and facts about the SDK, and the answer
 * has a result for each event.
 * @module
 */

import { Hono } from "hono";
import { isRecord } from "../../runtime/is_record.ts";
import { parseUuid } from "../../runtime/events/uuid.ts";
import type { LogRecord } from "../log/event_log.ts";
import { clientOrigin, type ConnectionInfo, hostOf } from "./arrival.ts";
import type { CaptureOptions } from "./capture.ts";
import { bytesOf, encodeEvent, MAX_EVENT_BYTES, maxStoredBytes } from "./inbox_records.ts";
import { createAdmission } from "./body/byte_gate.ts";
import { createPacer, giveWay } from "./body/give_way.ts";
import { MAX_EVENTS } from "./body/measure_json.ts";
import { CaptureError, invalidPayload, tooLarge } from "./capture_error.ts";
import { clientIp } from "./client_ip.ts";
import { addCorsHeaders } from "./cors.ts";
import type { RequestFacts } from "./prepare_event.ts";
import { invalidToken, isHistory, readTime } from "./body/read_events.ts";
import { readPayload } from "./body/read_payload.ts";
import { isSentEvents, type SentEvents } from "./body/sent_events.ts";
import { asCaptureError, ok } from "./respond.ts";

const MAX_BYTES = 20 * 1024 * 1024;

/** The options that SDKs send outside the properties, and the property that each was before. */
const OPTIONS: [option: string, property: string][] = [
  ["cookieless_mode", "$cookieless_mode"],
  ["disable_skew_correction", "$ignore_sent_at"],
  ["process_person_profile", "$process_person_profile"],
  ["product_tour_id", "$product_tour_id"],
];

interface EventResult {
  result: "ok" | "drop";
  details?: string;
}

/** The route, with and without a trailing slash. */
export function createCaptureV1(options: CaptureOptions): Hono<{ Bindings: ConnectionInfo }> {
  const app = new Hono<{ Bindings: ConnectionInfo }>({ strict: false });
  app.on(["POST", "OPTIONS"], "/i/v1/analytics/events", async (context) => {
    const request = context.req.raw;
    const response = request.method === "OPTIONS" ? ok() : await capture(options, request, context.env?.remoteAddr);
    const requestId = request.headers.get("posthog-request-id");
    if (requestId !== null) response.headers.set("posthog-request-id", requestId);
    addCorsHeaders(response.headers, request);
    options.onAnswer?.(response.status);
    return response;
  });
  return app;
}

async function capture(options: CaptureOptions, request: Request, remote: Deno.Addr | undefined): Promise<Response> {
  const now = new Date(options.now()).toISOString();
  const { headers } = request;
  let projectId: number | null = null;
  try {
    const url = new URL(request.url);
    const token = /^Bearer (.+)$/i.exec(headers.get("authorization") ?? "")?.[1]?.trim() ?? "";
    const project = options.projects.byToken(token);
    if (!project) throw invalidToken();
    projectId = project.id;
    const address = clientIp(headers, hostOf(remote), options);
    options.rateLimits?.checkAddress(address);
    using share = createAdmission(options.gate);
    const { data } = await readPayload(request, url.searchParams, MAX_BYTES, share.admit);
    const batch = isRecord(data) ? data.batch : undefined;
    if (!isRecord(data) || !isSentEvents(batch)) throw invalidPayload("Expected an object with an array `batch`");
    const facts: RequestFacts = {
      teamId: project.id,
      ip: project.anonymizeIps ? "" : address,
      siteUrl: clientOrigin(request, hostOf(remote), options.trustProxy),
      now,
      // The time of this very request; a batch that is sent again keeps its created_at.
      sentAt: readTime(headers.get("posthog-request-timestamp")) ?? readTime(data.created_at),
      isHistory: isHistory(data),
      onRepair: (code, detail) => options.onRepaired?.(project.id, code, detail),
      eventName: undefined,
      maxEventBytes: MAX_EVENT_BYTES,
      maxStoredBytes: maxStoredBytes(options.log),
      recordings: false,
      newUuid: () => "",
      hasFlags: project.upstream !== undefined,
    };
    const { records, results } = await encodeBatch(batch, facts, headers.get("posthog-sdk-info"));
    const bytes = bytesOf(records);
    share.shrink(bytes);
    options.rateLimits?.take(project.id, address, records.length, bytes);
    if (records.length > 0) await options.log.append("inbox", project.id, records);
    options.onStored?.(project.id, records.length);
    return Response.json({ results });
  } catch (error) {
    const known = asCaptureError(error);
    options.onRefused?.(projectId, known.code, known.message);
    return refuseV1(known);
  }
}

async function encodeBatch(batch: SentEvents, facts: RequestFacts, sdkInfo: string | null) {
  if (batch.length > MAX_EVENTS) throw tooLarge(`Request too large: more than ${MAX_EVENTS} events.`);
  const mustGiveWay = createPacer();
  const records: LogRecord[] = [];
  // A map rather than an object, because clients choose the uuids.
  const results = new Map<string, EventResult>();
  for (const data of batch) {
    if (mustGiveWay()) await giveWay();
    if (!isRecord(data) || typeof data.uuid !== "string" || parseUuid(data.uuid) === null) {
      throw invalidPayload("Every event must have a valid uuid");
    }
    const { uuid } = data;
    try {
      const record = encodeEvent(restoreProperties(data, sdkInfo), facts, batch.length);
      if (record) records.push(record);
      results.set(uuid, record ? { result: "ok" } : { result: "drop", details: "empty_event_name" });
    } catch (error) {
      if (!(error instanceof CaptureError)) throw error;
      results.set(uuid, { result: "drop", details: error.message });
    }
  }
  return { records, results: Object.fromEntries(results) };
}

/** Puts options back among the properties, where plugins expect them. */
function restoreProperties(data: Record<string, unknown>, sdkInfo: string | null): Record<string, unknown> {
  const { options, session_id, window_id, ...event } = data;
  const properties = isRecord(event.properties) ? event.properties : {};
  const [lib, version] = (sdkInfo ?? "").split("/", 2);
  const found: [property: string, value: unknown][] = [
    ["$lib", lib || undefined],
    ["$lib_version", version || undefined],
    ["$session_id", session_id],
    ["$window_id", window_id],
  ];
  for (const [option, property] of isRecord(options) ? OPTIONS : []) {
    found.push([property, (options as Record<string, unknown>)[option]]);
  }
  for (const [property, value] of found) {
    if (value !== undefined && value !== null) properties[property] ??= value;
  }
  return {
    ...event,
    properties: event.properties === undefined || isRecord(event.properties) ? properties : event.properties,
  };
}

function refuseV1({ status, code, message, retryAfterSeconds }: CaptureError): Response {
  const body = { error: code, error_description: message, error_uri: null };
  const headers: Record<string, string> = retryAfterSeconds === undefined
    ? {}
    : { "retry-after": String(retryAfterSeconds) };
  return Response.json(body, { status, headers });
}
