/**
 * The endpoints /decide, /flags and /array, at which SDKs request flags and configuration. Hogpen has no flags; the
 * answers say so in the form that each SDK understands, so that it goes on and sends its events.
 * @module
 */

import { Hono } from "hono";
import { isRecord } from "../../../runtime/is_record.ts";
import type { ConnectionInfo } from "../arrival.ts";
import { CaptureError, unauthorized } from "../capture_error.ts";
import { findProject, type Projects } from "../find_project.ts";
import { findToken, invalidToken } from "../body/read_events.ts";
import { type Payload, readPayload } from "../body/read_payload.ts";
import { decideAnswer, FLAG_DEFINITIONS, flagsAnswer, remoteConfig, remoteConfigScript } from "./remote_config.ts";
import { type SdkHandler, serveSdk } from "./serve_sdk.ts";

/** Bound of a body in bytes. It holds person and group properties at most. */
const MAX_BYTES = 1024 * 1024;
const DEFAULT_DECIDE_VERSION = 2;
const CACHE_SECONDS = 300;

export interface SdkConfigOptions {
  projects: Projects;
  newUuid: () => string;
}

/** The routes, with and without a trailing slash. */
export function createSdkConfig({ projects, newUuid }: SdkConfigOptions): Hono<{ Bindings: ConnectionInfo }> {
  const app = new Hono<{ Bindings: ConnectionInfo }>({ strict: false });
  const serve = (path: string, handler: SdkHandler) => serveSdk(app, path, handler);

  serve("/decide", async (request, query) => {
    const version = readVersion(query);
    if (request.method === "GET") return Response.json(decideAnswer(version));
    const payload = await readFlagsPayload(request, query);
    const token = await findToken(payload, request.method);
    if (token) {
      findProject(projects, token, payload);
      requireDistinctId(payload);
    }
    // PostHog answers a request without a token with no flags.
    return Response.json(decideAnswer(version));
  });

  serve("/flags", async (request, query) => {
    const payload = await readFlagsPayload(request, query);
    const token = await findToken(payload, request.method);
    if (!token) throw unauthorized("no_api_key", "API key not provided.");
    const project = findProject(projects, token, payload);
    requireDistinctId(payload);
    const flags = flagsAnswer(newUuid());
    return Response.json(query.get("config") === "true" ? { ...remoteConfig(project.token), ...flags } : flags);
  });

  for (const path of ["/flags/definitions", "/api/feature_flag/local_evaluation"]) {
    serve(path, (_request, query) => {
      if (!projects.byToken(query.get("token") ?? query.get("api_key") ?? "")) throw invalidToken();
      return Response.json(FLAG_DEFINITIONS);
    });
  }

  // The token is not checked here: posthog-js reports a wrong one when its events are refused.
  serve(
    "/array/:token/config",
    (_request, _query, context) => cached(Response.json(remoteConfig(context.req.param("token") ?? ""))),
  );
  serve("/array/:token/config.js", (_request, _query, context) =>
    cached(
      new Response(remoteConfigScript(context.req.param("token") ?? ""), {
        headers: { "content-type": "application/javascript; charset=utf-8" },
      }),
    ));
  return app;
}

/** Reads the payload. SDKs know the errors of these endpoints by other codes than those of capture. */
async function readFlagsPayload(request: Request, query: URLSearchParams): Promise<Payload> {
  try {
    const payload = await readPayload(request, query, MAX_BYTES);
    if (payload.data === undefined || isRecord(payload.data)) return payload;
  } catch (error) {
    if (!(error instanceof CaptureError) || error.status !== 400) throw error;
    throw malformedData(error.message);
  }
  throw malformedData("Malformed request data: expected an object");
}

function malformedData(detail: string): CaptureError {
  return new CaptureError(400, "validation_error", "malformed_data", detail);
}

function requireDistinctId({ data, query }: Payload): void {
  const id = isRecord(data) ? data.distinct_id ?? data.$distinct_id : query.get("distinct_id");
  if (id !== undefined && id !== null && id !== "") return;
  throw new CaptureError(400, "validation_error", "missing_distinct_id", "Decide requires a distinct_id.");
}

/** `?v=` may occur twice, and may look like the version of an SDK. */
function readVersion(query: URLSearchParams): number {
  const version = Number(query.getAll("v").at(-1) ?? 1);
  return Number.isInteger(version) && version >= 1 ? version : DEFAULT_DECIDE_VERSION;
}

function cached(response: Response): Response {
  response.headers.set("cache-control", `public, max-age=${CACHE_SECONDS}`);
  return response;
}
