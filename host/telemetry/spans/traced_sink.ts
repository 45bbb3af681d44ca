/**
 * Traces the delivery of events: one span for each, and `traceparent` in the requests that deliver them.
 * @module
 */

import { context, ROOT_CONTEXT, type Span, SpanKind, trace, type Tracer } from "@opentelemetry/api";
import type { Sink } from "../../consumers/sink.ts";
import type { CarriedTraces } from "./carried_traces.ts";
import { CONSUMER, ended, fail, PROJECT, UUID } from "./span_words.ts";

export function traceSink(
  sink: Sink,
  { id, project }: { id: string; project: number },
  tracer: Tracer,
  carried: CarriedTraces,
): Sink {
  return {
    async deliver(batch, signal) {
      const found = carried.find(batch);
      const spans: Span[] = [];
      let own = ROOT_CONTEXT;
      for (const { uuid, parent } of found) {
        const attributes = {
          [PROJECT]: project,
          [CONSUMER]: id,
          [UUID]: uuid,
          "messaging.batch.message_count": batch.length,
        };
        // A request belongs to a single trace, that of its first event. The spans of the other events link to it.
        const links = spans.slice(0, 1).map((first) => ({ context: first.spanContext() }));
        const span = tracer.startSpan(`deliver ${id}`, { kind: SpanKind.CONSUMER, attributes, links }, parent);
        if (spans.length === 0) own = trace.setSpan(parent, span);
        spans.push(span);
      }
      return await ended(spans, async () => {
        // Otherwise every delivery would belong to the request during which the consumer was started.
        const rejections = await context.with(own, () => sink.deliver(batch, signal));
        for (const [at, { index }] of found.entries()) {
          const rejection = rejections.find((each) => each.index === index);
          if (rejection !== undefined) fail(spans[at] as Span, rejection.reason);
        }
        return rejections;
      });
    },
    [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose](),
  };
}
