/**
 * What the spans of an event's way have in common: the names of their attributes, and how they end.
 * @module
 */

import { type Span, SpanStatusCode, TraceFlags } from "@opentelemetry/api";

export const PROJECT = "hogpen.project.id";
export const PLUGIN = "hogpen.plugin_config.id";
export const CONSUMER = "hogpen.consumer.id";
export const OUTCOME = "hogpen.outcome";
/** Of the event. */
export const UUID = "messaging.message.id";

/** Whether the sampler chose the span's trace: Deno gives the others spans as well, and does not send them. */
export function isSampled(span: Span): boolean {
  return (span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0;
}

/** Does it, and ends the spans: in error when it rejects. */
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
