/**
 * Hands each event to a function of a plugin: what onEvent, onSnapshot and composeWebhook have in common. An event
 * whose function throws RetryError becomes a durable job, and the events behind it do not wait for it. Any other
 * error is reported to the plugin's author.
 * @module
 */

import { maxAttempts, nextRetryMs, ON_EVENT_RETRIES } from "../../../runtime/retry.ts";
import type { Clock } from "../../clock.ts";
import type { StoredRecord } from "../../log/event_log.ts";
import type { HostedPlugins } from "../../loader/hosted_plugin.ts";
import type { PluginJournal } from "../../loader/plugin_journal.ts";
import type { Jobs } from "../../store/store.ts";
import { keepTrying } from "../keep_trying.ts";
import { callPlugin, type ConsumingFunction } from "./plugin_call.ts";
import { createPassedNotice } from "../passed_notice.ts";
import { createRestraint } from "../restraint.ts";
import { retryPayload } from "../retry_payload.ts";
import { readEvent, shapeEvent } from "./shape_event.ts";
import type { Rejection, Sink } from "../sink.ts";

/** The services that the sinks of a plugin need. */
export interface PluginSinkServices {
  plugins: HostedPlugins;
  jobs: Pick<Jobs, "enqueue">;
  journal: PluginJournal;
  clock: Clock;
}

export interface PluginEventSinkOptions extends PluginSinkServices {
  /** Of the consumer, for messages. */
  consumer: string;
  pluginConfigId: number;
  teamId: number;
  /** The function for events of this name; null when the plugin has none. */
  choose(eventName: string): ConsumingFunction | null;
}

interface Share {
  record: StoredRecord;
  /** Index into the consumer's batch. */
  index: number;
  event: Uint8Array;
  depth: number;
}

export function createPluginEventSink(options: PluginEventSinkOptions): Sink {
  const { plugins, pluginConfigId, teamId, clock, journal, jobs } = options;
  const notice = createPassedNotice(options);
  const restraint = createRestraint(clock);

  async function deliver(batch: StoredRecord[], signal: AbortSignal): Promise<Rejection[]> {
    restraint.require();
    const { shares, rejections } = divide(batch);
    const passed = await Promise.all(Array.from(shares, ([fn, share]) => run(fn, share, signal)));
    return [...rejections, ...passed.flat()];
  }

  /** The order within a function is the log's. */
  function divide(batch: StoredRecord[]): { shares: Map<ConsumingFunction, Share[]>; rejections: Rejection[] } {
    const shares = new Map<ConsumingFunction, Share[]>();
    const rejections: Rejection[] = [];
    for (const [index, record] of batch.entries()) {
      try {
        const read = readEvent(record.event);
        const fn = options.choose(read.event);
        if (fn === null) continue;
        const event = new TextEncoder().encode(shapeEvent(read, fn));
        const share = shares.get(fn) ?? [];
        shares.set(fn, share);
        share.push({ record, index, event, depth: record.depth ?? 0 });
      } catch (error) {
        rejections.push({ index, reason: `Cannot read the event: ${error}` });
      }
    }
    return { shares, rejections };
  }

  async function run(fn: ConsumingFunction, share: Share[], signal: AbortSignal): Promise<Rejection[]> {
    const results = await callPlugin(plugins, pluginConfigId, fn, share);
    const rejections: Rejection[] = [];
    for (const [at, result] of results.entries()) {
      const { record, index } = share[at] as Share;
      if (result.kind === "failed") {
        journal.error(pluginConfigId, result.error, new TextDecoder().decode(record.event));
        rejections.push({ index, reason: result.error.message, ...(!result.stopped && { threw: true }) });
      } else if (result.kind === "retry") {
        await retryLater(fn, record, signal);
      }
    }
    restraint.see(results);
    return [...rejections, ...notice.see(results, share)];
  }

  /** In the store before the consumer's cursor moves. */
  async function retryLater(fn: ConsumingFunction, record: StoredRecord, signal: AbortSignal): Promise<void> {
    const job = {
      kind: "onEvent" as const,
      pluginConfigId,
      teamId,
      type: fn,
      payload: retryPayload([record]),
      runAt: clock.now() + nextRetryMs(1, ON_EVENT_RETRIES.baseMs, ON_EVENT_RETRIES.multiplier),
      attempt: 2,
      maxAttempts: maxAttempts(ON_EVENT_RETRIES),
      ...(record.depth ? { depth: record.depth } : {}),
    };
    await keepTrying(() => jobs.enqueue(job), { clock, signal, onError: () => {} });
  }

  return { deliver, [Symbol.asyncDispose]: () => Promise.resolve() };
}
