/**
 * Hands events of the outbox to one function of one plugin, and reads what became of each.
 * @module
 */

import type { ErrorRecord } from "../../../runtime/errors.ts";
import { type BatchFunction, Outcome } from "../../../runtime/protocol.ts";
import { RuntimeClosedError } from "../../cells/dispatch/dispatcher.ts";
import { PLUGIN_STOPPED } from "../../cells/dispatch/split_batch.ts";
import type { LogRecord } from "../../log/event_log.ts";
import type { HostedPlugins } from "../../loader/hosted_plugin.ts";
import { encodeEvents } from "../../router/encode_events.ts";
import { TryLaterError } from "../sink.ts";

/** The functions that see events after they are processed. */
export type ConsumingFunction = Exclude<BatchFunction, "processEvent">;
export const CONSUMING_FUNCTIONS: readonly ConsumingFunction[] = [
  "onEvent",
  "onSnapshot",
  "exportEvents",
  "composeWebhook",
];

/** What became of one event. `passed`: the plugin is disabled, nothing was run. */
export type PluginResult =
  | { kind: "done" }
  | { kind: "passed" }
  /** `stopped`: the event ended the plugin's cell. */
  | { kind: "failed"; error: ErrorRecord; stopped: boolean }
  | { kind: "retry"; error: ErrorRecord };

/** How soon a plugin that is being loaded anew is looked for again. */
const RELOADING_MS = 500;

/**
 * One result per event. Of exportEvents all are the same, unless the plugin's cell ended and its events were tried one
 * by one. `event` of each is a ProcessedPluginEvent as JSON. Rejects with TryLaterError when the plugin is not there.
 */
export async function callPlugin(
  plugins: HostedPlugins,
  pluginConfigId: number,
  fn: ConsumingFunction,
  events: Pick<LogRecord, "event" | "depth">[],
): Promise<PluginResult[]> {
  if (events.length === 0) return [];
  const plugin = plugins.get(pluginConfigId);
  if (plugin === undefined) {
    throw new TryLaterError(`Plugin config ${pluginConfigId} is not loaded`, RELOADING_MS);
  }
  const encoded = encodeEvents(events, events.map(({ depth = 0 }) => ({ depth })));
  const { outcomes: [outcomes = ""], errors } = await plugin.runtime.batch(fn, [pluginConfigId], encoded)
    .catch((error: unknown) => {
      if (!(error instanceof RuntimeClosedError)) throw error;
      throw new TryLaterError(error.message, RELOADING_MS, { cause: error });
    });
  const errorOf = new Map(errors.map(({ event, error }) => [event, error]));
  // The error of an export is given once, for all its events; of other functions only the first hundred errors of a
  // batch are.
  const common = fn === "exportEvents" ? errors[0]?.error : undefined;
  return events.map((_, index) => readOutcome(outcomes[index], errorOf.get(index) ?? common ?? unexplained(fn)));
}

function readOutcome(outcome: string | undefined, error: ErrorRecord): PluginResult {
  switch (outcome) {
    case Outcome.ok:
    case Outcome.dropped:
      return { kind: "done" };
    case Outcome.skipped:
      return { kind: "passed" };
    case Outcome.retry:
      return { kind: "retry", error };
    default:
      return { kind: "failed", error, stopped: error.name === PLUGIN_STOPPED };
  }
}

function unexplained(fn: ConsumingFunction): ErrorRecord {
  return { name: "Error", message: `${fn} failed`, retry: false };
}
