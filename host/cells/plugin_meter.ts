/**
 * Counts the work of plugins. Counting happens for every batch, so it must cost next to nothing.
 * @module
 */

import type { ErrorRecord } from "../../runtime/errors.ts";
import type { BatchFunction } from "../../runtime/protocol.ts";
import type { BatchOutcome } from "./plugin_runtime.ts";

export interface PluginMeter {
  /** Events go to a function; each is followed by `batch`. */
  begin(fn: BatchFunction, pluginConfigIds: readonly number[], events: number): void;
  /**
   * `ms` is from the hand-over to the answer, waiting included; of a cell that several share, of all of them together.
   */
  batch(fn: BatchFunction, pluginConfigIds: readonly number[], outcome: BatchOutcome, ms: number): void;
  /** The batch never got an answer, because the plugin is being closed. */
  abandon(fn: BatchFunction, pluginConfigIds: readonly number[], events: number): void;
  /** A job or a scheduled task ran. */
  call(pluginConfigId: number, name: string, error: ErrorRecord | null, ms: number): void;
  restarted(pluginConfigId: number): void;
  /** A failure, its stack in the plugin's own files; `event` gives the event's JSON text. */
  failed(pluginConfigId: number, teamId: number, fn: string, error: ErrorRecord, event?: () => string): void;
}

/** Counts nothing. */
export const NO_METER: PluginMeter = {
  begin() {},
  batch() {},
  abandon() {},
  call() {},
  restarted() {},
  failed() {},
};
