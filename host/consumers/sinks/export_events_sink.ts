/**
 * The sink of the consumer `exportEvents:<plugin config>`. Buffering is the consumer's batching: events stay in the
 * log until their batch is exported, has become a durable retry, or lies among the dead letters, so a killed process
 * loses none.
 * @module
 */

import type { ErrorRecord } from "../../../runtime/errors.ts";
import { EXPORT_EVENTS_RETRIES, maxAttempts, nextRetryMs } from "../../../runtime/retry.ts";
import type { StoredRecord } from "../../log/event_log.ts";
import type { ExportEventsSettings } from "./export_events_settings.ts";
import { keepTrying } from "../keep_trying.ts";
import { createPassedNotice, type GivenEvent } from "../passed_notice.ts";
import { callPlugin } from "./plugin_call.ts";
import type { PluginSinkServices } from "./plugin_event_sink.ts";
import { createRestraint } from "../restraint.ts";
import { retryPayload } from "../retry_payload.ts";
import { readEvent, shapeEvent } from "./shape_event.ts";
import type { Batching, EventFilter, Rejection, Sink } from "../sink.ts";

export interface ExportEventsOptions extends PluginSinkServices {
  /** Of the consumer, for messages. */
  consumer: string;
  pluginConfigId: number;
  teamId: number;
  settings: ExportEventsSettings;
}

/** An event as exportEvents receives it. */
interface ShapedEvent {
  name: string;
  /** JSON. */
  text: string;
}

/** What a consumer needs to fill the buffer as PostHog's did, and to empty it. */
export interface ExportEvents {
  batching: Batching;
  filter: EventFilter;
  /** Length of the event's JSON as exportEvents receives it, in UTF-16 units. */
  measure(event: Uint8Array): number;
  openSink(): Sink;
}

export function exportEvents(options: ExportEventsOptions): ExportEvents {
  const { plugins, pluginConfigId, teamId, settings, clock, journal, jobs } = options;
  /** Each event is parsed once, for its name, its size and its export. */
  const shaped = new WeakMap<Uint8Array, ShapedEvent | Error>();

  function shape(event: Uint8Array): ShapedEvent | Error {
    const known = shaped.get(event);
    if (known !== undefined) return known;
    const made = tryToShape(event);
    shaped.set(event, made);
    return made;
  }

  async function deliver(batch: StoredRecord[], signal: AbortSignal): Promise<Rejection[]> {
    restraint.require();
    const rejections: Rejection[] = [];
    const share: { record: StoredRecord; index: number; event: Uint8Array; depth: number }[] = [];
    for (const [index, record] of batch.entries()) {
      const made = shape(record.event);
      if (made instanceof Error) {
        rejections.push({ index, reason: `Cannot read the event: ${made.message}` });
        continue;
      }
      share.push({ record, index, event: new TextEncoder().encode(made.text), depth: record.depth ?? 0 });
    }
    const results = await callPlugin(plugins, pluginConfigId, "exportEvents", share);
    restraint.see(results);
    rejections.push(...notice.see(results, share));
    const again = share.filter((_, at) => results[at]?.kind === "retry");
    if (again.length > 0) await retryLater(again.map(({ record }) => record), signal);
    const errors = new Map<string, ErrorRecord>();
    for (const [at, result] of results.entries()) {
      if (result.kind !== "failed") continue;
      errors.set(result.error.message, result.error);
      rejections.push({ index: (share[at] as GivenEvent).index, reason: result.error.message });
    }
    for (const error of errors.values()) journal.error(pluginConfigId, error);
    return rejections;
  }

  async function retryLater(records: StoredRecord[], signal: AbortSignal): Promise<void> {
    const depth = records.reduce((deepest, record) => Math.max(deepest, record.depth ?? 0), 0);
    const job = {
      kind: "exportEvents" as const,
      pluginConfigId,
      teamId,
      type: "exportEvents",
      payload: retryPayload(records),
      runAt: clock.now() + nextRetryMs(1, EXPORT_EVENTS_RETRIES.baseMs, EXPORT_EVENTS_RETRIES.multiplier),
      attempt: 2,
      maxAttempts: maxAttempts(EXPORT_EVENTS_RETRIES),
      ...(depth > 0 ? { depth } : {}),
    };
    await keepTrying(() => jobs.enqueue(job), { clock, signal, onError: () => {} });
  }

  const notice = createPassedNotice(options);
  const restraint = createRestraint(clock);
  return {
    batching: {
      maxEvents: Infinity,
      maxBytes: settings.bufferUnits,
      maxWaitMs: settings.bufferSeconds * 1000,
    },
    filter(event) {
      const made = shape(event);
      return made instanceof Error || !settings.ignore.has(made.name);
    },
    measure(event) {
      const made = shape(event);
      return made instanceof Error ? event.byteLength : made.text.length;
    },
    openSink: () => ({ deliver, [Symbol.asyncDispose]: () => Promise.resolve() }),
  };
}

function tryToShape(event: Uint8Array): ShapedEvent | Error {
  try {
    const read = readEvent(event);
    return { name: read.event, text: shapeEvent(read, "exportEvents") };
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
