/**
 * The capture endpoints. They validate the events of a request, turn them into plugin events and append all valid ones
 * to the inbox, or none when the append fails.
 * @module
 */

import { Hono } from "hono";
import { createUuidGenerator } from "../../runtime/events/uuid.ts";
import type { EventLog } from "../log/event_log.ts";
import { type ByteGate, createAdmission } from "./body/byte_gate.ts";
import { clientOrigin, type ConnectionInfo, hostOf } from "./arrival.ts";
import { clientIp, type ClientIpOptions } from "./client_ip.ts";
import { addCorsHeaders } from "./cors.ts";
import { findProject, type Projects } from "./find_project.ts";
import { bytesOf, encodeEvents, MAX_EVENT_BYTES, maxStoredBytes } from "./inbox_records.ts";
import type { RequestFacts } from "./prepare_event.ts";
import type { RateLimits } from "./limits/rate_limits.ts";
import { isHistory, readEvents, readSentAt, readToken } from "./body/read_events.ts";
import { readPayload } from "./body/read_payload.ts";
import { asCaptureError, ok, refuse } from "./respond.ts";
import { translateAiEvent } from "./translate/ai_event.ts";
import { SEGMENT_PATHS, translateSegment } from "./translate/segment.ts";
import type { Translate } from "./translate/translate.ts";

/** What the capture endpoints need. */
export interface CaptureOptions extends ClientIpOptions {
  projects: Projects;
  log: Pick<EventLog, "append" | "maxEventBytes">;
  /** Large requests wait here before they are read or decompressed, which bounds memory. */
  gate: ByteGate;
  now: () => number;
  /** Absent: no rate limits. */
  rateLimits?: RateLimits;
  /** Called with the number of events of each request that was stored. */
  onStored?: (projectId: number, events: number) => void;
  /** Called with the code and message of each refusal, and with the project when it is known. */
  onRefused?: (projectId: number | null, code: string, detail: string) => void;
  /** Called for each event that was not stored as it was sent. */
  onRepaired?: (projectId: number, code: string, detail: string) => void;
  /** Called with the HTTP status of every answer. */
  onAnswer?: (status: number) => void;
}

interface Endpoint {
  paths: string[];
  /** Bound of the body in bytes, both as sent and decompressed. */
  maxBytes: number;
  /** Overrides the name of every event. */
  eventName?: string;
  /** Bound of one event in bytes; MAX_EVENT_BYTES when absent. */
  maxEventBytes?: number;
  recordings?: boolean;
  /** Converts requests of other tools into capture requests. */
  translate?: Translate;
}

const MIB = 1024 * 1024;
const ENDPOINTS: Endpoint[] = [
  { paths: ["/e", "/capture", "/track", "/i/v0/e"], maxBytes: 2 * MIB },
  { paths: ["/engage"], maxBytes: 2 * MIB, eventName: "$identify" },
  { paths: ["/batch"], maxBytes: 20 * MIB },
  // SDKs send the inputs and outputs of models here, in events of up to 8 MiB.
  { paths: ["/i/v0/ai/batch"], maxBytes: 20 * MIB, maxEventBytes: 8 * MIB },
  { paths: ["/i/v0/ai"], maxBytes: 20 * MIB, maxEventBytes: 8 * MIB, translate: translateAiEvent },
  { paths: SEGMENT_PATHS, maxBytes: 20 * MIB, translate: translateSegment },
  { paths: ["/s"], maxBytes: 25 * MIB, recordings: true },
];

/** The routes that accept events, with and without a trailing slash. */
export function createCapture(options: CaptureOptions): Hono<{ Bindings: ConnectionInfo }> {
  const app = new Hono<{ Bindings: ConnectionInfo }>({ strict: false });
  const newUuid = createUuidGenerator(options.now);
  for (const endpoint of ENDPOINTS) {
    app.on(["GET", "POST", "OPTIONS"], endpoint.paths, async (context) => {
      const request = context.req.raw;
      const response = request.method === "OPTIONS"
        ? ok()
        : forBeacon(await capture(options, endpoint, request, context.env?.remoteAddr, newUuid), request);
      addCorsHeaders(response.headers, request);
      options.onAnswer?.(response.status);
      return response;
    });
  }
  return app;
}

/** Answers a beacon without a body: the page that sent it is gone, and Chrome warns about bodies that nobody reads. */
function forBeacon(answer: Response, request: Request): Response {
  const isBeacon = new URL(request.url).searchParams.get("beacon") === "1";
  return isBeacon && answer.status === 200 ? new Response(null, { status: 204 }) : answer;
}

async function capture(
  options: CaptureOptions,
  endpoint: Endpoint,
  given: Request,
  remote: Deno.Addr | undefined,
  newUuid: () => string,
): Promise<Response> {
  const now = new Date(options.now()).toISOString();
  let projectId: number | null = null;
  try {
    const address = clientIp(given.headers, hostOf(remote), options);
    options.rateLimits?.checkAddress(address);
    using share = createAdmission(options.gate);
    const request = await endpoint.translate?.(given, endpoint.maxBytes, share.admit) ?? given;
    const url = new URL(request.url);
    const payload = await readPayload(request, url.searchParams, endpoint.maxBytes, share.admit);
    const events = readEvents(payload.data);
    const project = findProject(options.projects, await readToken(payload, request.method), payload);
    projectId = project.id;
    const facts: RequestFacts = {
      teamId: project.id,
      ip: project.anonymizeIps ? "" : address,
      siteUrl: clientOrigin(request, hostOf(remote), options.trustProxy),
      now,
      onRepair: (code, detail) => options.onRepaired?.(project.id, code, detail),
      sentAt: readSentAt(payload),
      isHistory: isHistory(payload.data),
      eventName: endpoint.eventName,
      maxEventBytes: endpoint.maxEventBytes ?? MAX_EVENT_BYTES,
      maxStoredBytes: maxStoredBytes(options.log),
      recordings: endpoint.recordings ?? false,
      newUuid,
      hasFlags: project.upstream !== undefined,
    };
    const { records, dropped } = await encodeEvents(events, facts);
    const bytes = bytesOf(records);
    share.shrink(bytes);
    options.rateLimits?.take(project.id, address, records.length, bytes);
    if (records.length > 0) await options.log.append("inbox", project.id, records);
    options.onStored?.(project.id, records.length);
    for (const { code, reason } of dropped) options.onRefused?.(project.id, code, reason);
    return ok(dropped);
  } catch (error) {
    const known = asCaptureError(error);
    options.onRefused?.(projectId, known.code, known.message);
    return refuse(known);
  }
}
