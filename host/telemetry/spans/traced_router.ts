/**
 * Traces events through the plugins: one span for the batch, and in it a span for each plugin.
 * @module
 */

import { SpanKind, trace, type Tracer } from "@opentelemetry/api";
import { Outcome } from "../../../runtime/protocol.ts";
import type { StoredRecord } from "../../log/event_log.ts";
import type { RouteTap } from "../../router/route_batch.ts";
import type { RouterObserver } from "../../router/router.ts";
import type { CarriedTraces } from "./carried_traces.ts";
import { fail, OUTCOME, PLUGIN, PROJECT, UUID } from "./span_words.ts";

type Tap = RouteTap & { done(): void };

const OUTCOMES = new Map<string, string>(Object.entries(Outcome).map(([name, code]) => [code, name]));

/** Wraps another observer, which still sees everything. */
export function traceRouter(other: RouterObserver, tracer: Tracer, carried: CarriedTraces): RouterObserver {
  return {
    tap(project, records) {
      const [one, two] = [other.tap(project, records), tapFor(project, records, tracer, carried)];
      return one === null || two === null ? one ?? two : both(one, two);
    },
    dropped: (...given) => other.dropped(...given),
  };
}

function both(one: Tap, two: Tap): Tap {
  return {
    stage(...given) {
      one.stage(...given);
      two.stage(...given);
    },
    done() {
      one.done();
      two.done();
    },
  };
}

function tapFor(project: number, records: StoredRecord[], tracer: Tracer, carried: CarriedTraces): Tap | null {
  const ways = carried.find(records).map(({ index, uuid, parent }) => {
    const attributes = { [PROJECT]: project, [UUID]: uuid, "messaging.batch.message_count": records.length };
    const span = tracer.startSpan("route", { kind: SpanKind.CONSUMER, attributes }, parent);
    const inside = trace.setSpan(parent, span);
    carried.carry(uuid, inside);
    return { index, span, inside };
  });
  if (ways.length === 0) return null;
  return {
    stage(plugins, survivors, _before, { outcomes, errors }, ms) {
      const end = Date.now();
      for (const { index, inside } of ways) {
        const at = survivors.indexOf(index);
        if (at === -1) continue;
        for (const [position, { pluginConfigId }] of plugins.entries()) {
          const outcome = OUTCOMES.get(outcomes[position]?.[at] ?? "") ?? "skipped";
          const attributes = { [PLUGIN]: pluginConfigId, [OUTCOME]: outcome };
          const span = tracer.startSpan(`plugin ${pluginConfigId}`, { attributes, startTime: end - ms }, inside);
          const error = errors.find(({ event, plugin }) => event === at && plugin === position)?.error;
          if (error !== undefined) fail(span, `${error.name}: ${error.message}`);
          span.end(end);
        }
      }
    },
    done() {
      for (const { span } of ways) span.end();
    },
  };
}
