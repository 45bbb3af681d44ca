/**
 * What an event's plugins made of it, as the event itself says in `$plugins_succeeded`, `$plugins_failed` and
 * `$plugins_deferred`: after the last plugin for everybody, and on the way for plugins that look at them.
 * @module
 */

import type { Capabilities } from "../../runtime/capabilities.ts";
import { isRecord } from "../../runtime/is_record.ts";
import type { PluginMarks } from "../../runtime/events/finish_event.ts";
import { Outcome } from "../../runtime/protocol.ts";
import type { EncodedEvents } from "../cells/plugin_runtime.ts";
import { decodeEvents, encodeEvents } from "./encode_events.ts";
import type { RoutedBatch } from "./route_batch.ts";

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Whether the plugin is listed in `$plugins_deferred`. */
export function isDeferred(capabilities: Capabilities | null): boolean {
  return (["onEvent", "onSnapshot", "exportEvents"] as const).some((name) => capabilities?.methods.includes(name));
}

/** `index` is that of the event in the batch that went in. */
export function marksOf(index: number, runs: RoutedBatch["runs"], deferred: readonly string[] = []): PluginMarks {
  const marks: PluginMarks = { succeeded: [], failed: [], deferred: [...deferred] };
  for (const { plugin, outcomes } of runs) {
    const outcome = outcomes[index];
    if (outcome === Outcome.ok) marks.succeeded.push(plugin.mark);
    else if (outcome === Outcome.failed || outcome === Outcome.retry) marks.failed.push(plugin.mark);
  }
  return marks;
}

/** The events with the marks that they have so far. What is no event stays as it is: whoever finishes it will see. */
export function withMarks(events: EncodedEvents, survivors: number[], runs: RoutedBatch["runs"]): EncodedEvents {
  const marked = decodeEvents(events).map((event, at) => ({
    event: markOne(event, marksOf(survivors[at] as number, runs)),
  }));
  return encodeEvents(marked, events.origins);
}

function markOne(event: Uint8Array, { succeeded, failed }: PluginMarks): Uint8Array {
  try {
    const parsed: unknown = JSON.parse(decoder.decode(event));
    if (!isRecord(parsed)) return event;
    const properties = isRecord(parsed.properties) ? parsed.properties : {};
    const marks = { $plugins_succeeded: succeeded, $plugins_failed: failed };
    return encoder.encode(JSON.stringify({ ...parsed, properties: { ...properties, ...marks } }));
  } catch {
    return event;
  }
}
