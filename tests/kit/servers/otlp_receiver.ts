/**
 * What OpenTelemetry's exporters send to: spans and log lines by OTLP over HTTP, as JSON.
 * @module
 */

import { z } from "zod";
import { HttpReceiver } from "./http_receiver.ts";

const attributes = z.array(z.object({ key: z.string(), value: z.record(z.string(), z.unknown()) })).default([])
  .transform((list) => Object.fromEntries(list.map(({ key, value }) => [key, Object.values(value)[0]])));

const span = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string(),
  name: z.string(),
  attributes,
  startTimeUnixNano: z.string().transform(Number),
  endTimeUnixNano: z.string().transform(Number),
  status: z.object({ code: z.int().default(0), message: z.string().default("") }).nullable(),
});
const line = z.object({ severityText: z.string(), body: z.object({ stringValue: z.string() }) });

const traces = z.object({
  resourceSpans: z.array(z.object({ scopeSpans: z.array(z.object({ spans: z.array(span) })) })),
});
const logs = z.object({
  resourceLogs: z.array(z.object({ scopeLogs: z.array(z.object({ logRecords: z.array(line) })) })),
});

export type ReceivedSpan = z.output<typeof span>;
export type ReceivedLine = z.output<typeof line>;

export interface OtlpReceiver extends AsyncDisposable {
  readonly spans: ReceivedSpan[];
  readonly lines: ReceivedLine[];
  /** What has Deno export here, soon after it happened. */
  readonly env: Record<string, string>;
}

export function startOtlpReceiver(): OtlpReceiver {
  const spans: ReceivedSpan[] = [];
  const lines: ReceivedLine[] = [];
  const server = new HttpReceiver(({ path, text }) => {
    const body: unknown = JSON.parse(text);
    if (path === "/v1/traces") {
      spans.push(
        ...traces.parse(body).resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
      );
    }
    if (path === "/v1/logs") {
      lines.push(
        ...logs.parse(body).resourceLogs.flatMap(({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords)),
      );
    }
    return Response.json({});
  });
  return {
    spans,
    lines,
    env: {
      OTEL_DENO: "true",
      OTEL_SERVICE_NAME: "hogpen",
      OTEL_EXPORTER_OTLP_ENDPOINT: server.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_BSP_SCHEDULE_DELAY: "50",
      OTEL_BLRP_SCHEDULE_DELAY: "50",
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
