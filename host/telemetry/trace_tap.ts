/**
 * Observes some events of a batch on their way through the plugins.
 * @module
 */

import { Outcome } from "../../runtime/protocol.ts";
import type { ErrorRecord } from "../../runtime/errors.ts";
import type { EncodedEvents } from "../cells/plugin_runtime.ts";
import type { StoredRecord } from "../log/event_log.ts";
import type { RouteTap } from "../router/route_batch.ts";

export interface TraceStep {
  plugin_config_id: number;
  outcome: keyof typeof Outcome;
  /**
   * The event as it left the plugin. If several plugins share a cell, it is known only after the last of them. Null if
   * it was dropped, absent if it did not change.
   */
  event?: unknown;
  error?: ErrorRecord;
  /** The duration of the batch that contained the event. */
  ms: number;
}

export interface Trace {
  event: unknown;
  steps: TraceStep[];
}

const NAMES = new Map(Object.entries(Outcome).map(([name, code]) => [code as string, name as keyof typeof Outcome]));
const decoder = new TextDecoder();

/** `onDone` receives each selected event with its way through the plugins. */
export function createTraceTap(
  records: StoredRecord[],
  wanted: number[],
  onDone: (record: StoredRecord, trace: Trace) => void,
): RouteTap & { done(): void } {
  const steps = new Map(wanted.map((index) => [index, [] as TraceStep[]]));
  return {
    stage(plugins, survivors, before, { outcomes, errors, events }, ms) {
      for (const [index, own] of steps) {
        const at = survivors.indexOf(index);
        if (at === -1) continue;
        const [was, is] = [textOf(before, at), textOf(events, at)];
        for (const [position, { pluginConfigId }] of plugins.entries()) {
          const error = errors.find(({ event, plugin }) => event === at && plugin === position)?.error;
          const outcome = NAMES.get(outcomes[position]?.[at] ?? "") ?? "skipped";
          const isLast = position === plugins.length - 1 || outcome === "dropped";
          own.push({
            plugin_config_id: pluginConfigId,
            outcome,
            ...(isLast && is !== was && { event: is === "" ? null : parse(is) }),
            ...(error && { error }),
            ms: Math.round(ms * 100) / 100,
          });
        }
      }
    },
    done() {
      for (const [index, own] of steps) {
        const record = records[index];
        if (record !== undefined) onDone(record, { event: parse(decoder.decode(record.event)), steps: own });
      }
    },
  };
}

function textOf({ lengths, body }: EncodedEvents, index: number): string {
  let start = 0;
  for (let at = 0; at < index; at++) start += lengths[at] as number;
  return decoder.decode(body.subarray(start, start + (lengths[index] ?? 0)));
}

/** What a cell sent cannot be trusted. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
