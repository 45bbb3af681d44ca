/**
 * Answers to what SDKs ask of PostHog besides flags and configuration. For a project without an upstream, each says
 * that there is nothing, in the form that its SDK understands. docs/SDK_PATHS.md has the list.
 * @module
 */

import { Hono } from "hono";
import type { ConnectionInfo } from "../arrival.ts";
import { serveSdk } from "./serve_sdk.ts";

/** By path; `null` is the payload of a flag that does not exist. */
const NOTHING: Record<string, unknown> = {
  "/api/surveys": { surveys: [], survey_config: null },
  "/api/early_access_features": { earlyAccessFeatures: [] },
  "/api/web_experiments": { experiments: [] },
  "/api/product_tours": { product_tours: [] },
  "/api/projects/:project/feature_flags/:key/remote_config": null,
  "/api/push_subscriptions": { status: 1 },
};

/** Where OpenTelemetry exporters send data that the service does not keep. */
const TELEMETRY = ["/i/v1/logs", "/i/v1/metrics", "/i/v1/traces", "/i/v0/ai/otel", "/i/v0/ai/otel/v1/traces"];
const NOT_KEPT = "Nothing of it was kept: logs, metrics and traces need a PostHog behind the project (`upstream`)";

export function createEmptyAnswers(): Hono<{ Bindings: ConnectionInfo }> {
  const app = new Hono<{ Bindings: ConnectionInfo }>({ strict: false });
  for (const [path, nothing] of Object.entries(NOTHING)) {
    serveSdk(app, path, () => Response.json(nothing), ["GET", "POST", "DELETE"]);
  }
  for (const path of TELEMETRY) {
    serveSdk(app, path, async (request) => {
      await request.body?.cancel();
      return telemetryAnswer(request.headers.get("content-type") ?? "");
    });
  }
  return app;
}

/**
 * An OTLP answer that is not an error, so that exporters do not send the data again, with a message that they print.
 */
function telemetryAnswer(contentType: string): Response {
  if (/protobuf/.test(contentType)) {
    return new Response(partialSuccess(NOT_KEPT), { headers: { "content-type": "application/x-protobuf" } });
  }
  return Response.json({ partialSuccess: { errorMessage: NOT_KEPT } });
}

/**
 * `{ partial_success = 1: { error_message = 2 } }` in Protobuf. It is shorter than 128 bytes, so that each length fits
 * one byte.
 */
function partialSuccess(message: string): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(message);
  return new Uint8Array([0x0a, text.length + 2, 0x12, text.length, ...text]);
}
