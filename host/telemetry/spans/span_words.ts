/**
 * What all spans of an event have in common: the names of their attributes, and how they end.
 * @module
 */

import { type Span, SpanStatusCode, TraceFlags } from "@opentelemetry/api";

export const PROJECT = "hogpen.project.id";
export const PLUGIN = "hogpen.plugin_config.id";
export const CONSUMER = "hogpen.consumer.id";
export const OUTCOME = "hogpen.outcome";
/** The event's uuid. */
export const UUID = "messaging.message.id";

/** Whether the sampler chose the span's trace. Deno also creates spans for other traces, but does not export them. */
export function isSampled(span: Span): boolean {
  return (span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0;
}

/** Runs the action, then ends the spans, marked as errors if it rejected. */
export async function ended<T>(spans: readonly Span[], action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    for (const span of spans) fail(span, error instanceof Error ? error.message : String(error));
    throw error;
  } finally {
    for (const span of spans) span.end();
  }
}

export function fail(span: Span, message: string): void {
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}
