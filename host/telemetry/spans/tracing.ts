/**
 * Traces of events with OpenTelemetry. Deno creates a span for every request, samples and exports (`OTEL_DENO`,
 * `OTEL_TRACES_SAMPLER` and the other variables of OpenTelemetry). This module adds the spans in between, from the
 * request to the deliveries.
 * @module
 */

import { trace } from "@opentelemetry/api";
import type { Sink } from "../../consumers/sink.ts";
import type { EventLog } from "../../log/event_log.ts";
import type { RouterObserver } from "../../router/router.ts";
import { createCarriedTraces } from "./carried_traces.ts";
import { traceLog } from "./traced_log.ts";
import { traceRouter } from "./traced_router.ts";
import { traceSink } from "./traced_sink.ts";

/** Each method wraps what it is given. */
export interface Tracing {
  log(log: EventLog): EventLog;
  observer(observer: RouterObserver): RouterObserver;
  sink(sink: Sink, consumer: { id: string; project: number }): Sink;
  /** Names the span of the current request after the pattern of its path. */
  route(method: string, pattern: string): void;
}

export function createTracing(version: string): Tracing {
  const tracer = trace.getTracer("hogpen", version);
  const carried = createCarriedTraces();
  return {
    log: (log) => traceLog(log, tracer, carried),
    observer: (observer) => traceRouter(observer, tracer, carried),
    sink: (sink, consumer) => traceSink(sink, consumer, tracer, carried),
    route(method, pattern) {
      const span = trace.getActiveSpan();
      span?.setAttribute("http.route", pattern);
      span?.updateName(`${method} ${pattern}`);
    },
  };
}
