/**
 * A batch under way, and what is known of its events so far.
 * @module
 */

import type { ErrorRecord } from "../../runtime/errors.ts";
import type { BatchFunction, Outcome } from "../../runtime/protocol.ts";
import type { PluginInstance } from "../plugin/plugin_instance.ts";

const MAX_ERRORS = 100;

/** A batch under way. */
export interface Run {
  id: number;
  fn: BatchFunction;
  plugins: PluginInstance[];
  /** By plugin, by event. */
  outcomes: Outcome[][];
  errors: { event: number; plugin: number; error: ErrorRecord }[];
  inputs: string[];
  /** Empty for no event. */
  outputs: string[];
  left: number;
  /** By plugin, milliseconds that it kept the thread with the events of the sample; null when it runs alone. */
  spent: number[] | null;
}

/** One event in so many is timed: two looks at the clock for every call would cost more than a small plugin. */
const SAMPLE = 8;

/** Whether the event is one of those that are timed. The first of every batch is. */
export function isTimed(run: Run, event: number): boolean {
  return run.spent !== null && event % SAMPLE === 0;
}

/** What the sample says of the whole batch. */
export function estimateSpent({ spent, inputs }: Run): number[] | undefined {
  const timed = Math.ceil(inputs.length / SAMPLE);
  return spent?.map((ms) => timed === 0 ? 0 : ms * inputs.length / timed);
}

/** Records the outcome of an event in a plugin. The last outcome counts, and the first error. */
export function noteOutcome(run: Run, event: number, plugin: number, outcome: Outcome, error?: ErrorRecord): void {
  run.outcomes[plugin]![event] = outcome;
  if (error === undefined || run.errors.length >= MAX_ERRORS) return;
  if (run.errors.some((each) => each.event === event && each.plugin === plugin)) return;
  run.errors.push({ event, plugin, error });
}
