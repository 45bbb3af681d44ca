/**
 * Wraps the event log for intake and routers while events are traced: one span for what is stored in the inbox, and one
 * for the outbox.
 * @module
 */

import { context, type Span, SpanKind, trace, type Tracer } from "@opentelemetry/api";
import type { EventLog } from "../../log/event_log.ts";
import { type CarriedTraces, uuidOf } from "./carried_traces.ts";
import { ended, isSampled, PROJECT, UUID } from "./span_words.ts";

/** The most events of one request that are traced. */
const MOST_OF_A_REQUEST = 20;

export function traceLog(log: EventLog, tracer: Tracer, carried: CarriedTraces): EventLog {
  return {
    async append(topic, project, records) {
      const request = trace.getActiveSpan();
      if (topic !== "inbox" || request === undefined || !isSampled(request)) {
        return await log.append(topic, project, records);
      }
      request.setAttribute(PROJECT, project);
      const span = tracer.startSpan("intake", {
        kind: SpanKind.PRODUCER,
        attributes: { [PROJECT]: project, "messaging.batch.message_count": records.length },
      });
      // A router may receive the events before append resolves.
      for (const { event } of records.slice(0, MOST_OF_A_REQUEST)) {
        const uuid = uuidOf(event);
        if (uuid !== null) carried.carry(uuid, trace.setSpan(context.active(), span));
      }
      await ended([span], () => log.append(topic, project, records));
    },
    async step(project, reader, cursor, outbox) {
      const spans = carried.find(outbox).map(({ uuid, parent }): Span =>
        tracer.startSpan(
          "outbox",
          { kind: SpanKind.PRODUCER, attributes: { [PROJECT]: project, [UUID]: uuid } },
          parent,
        )
      );
      await ended(spans, () => log.step(project, reader, cursor, outbox));
    },
    read: (...given) => log.read(...given),
    readBack: (...given) => log.readBack(...given),
    waitForRecords: (...given) => log.waitForRecords(...given),
    cursor: (...given) => log.cursor(...given),
    commit: (...given) => log.commit(...given),
    move: (...given) => log.move(...given),
    position: (...given) => log.position(...given),
    register: (...given) => log.register(...given),
    forget: (...given) => log.forget(...given),
    cursorAt: (...given) => log.cursorAt(...given),
    lag: (...given) => log.lag(...given),
    count: (...given) => log.count(...given),
    size: () => log.size(),
    share: () => log.share(),
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  };
}
