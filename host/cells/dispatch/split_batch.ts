/**
 * Splits batches into single events, joins them again, and gives the outcomes of what was not run.
 * @module
 */

import { type BatchFunction, Outcome } from "../../../runtime/protocol.ts";
import type { CellEnd } from "../process/cell_end.ts";
import type { BatchOutcome, EncodedEvents, EventOrigin } from "../plugin_runtime.ts";

const NO_BODY = new Uint8Array();

/** Name of the error of an event that ended the cell. */
export const PLUGIN_STOPPED = "PluginStoppedError";

/** The event at this index as a batch of its own. */
export function oneEvent({ lengths, body, origins }: EncodedEvents, index: number): EncodedEvents {
  const start = lengths.slice(0, index).reduce((sum, length) => sum + length, 0);
  const length = lengths[index] ?? 0;
  const one = { lengths: [length], body: body.subarray(start, start + length) };
  return origins === undefined ? one : { ...one, origins: origins.slice(index, index + 1) };
}

/** Outcomes of neighbouring parts of a batch as one. */
export function joinOutcomes(parts: BatchOutcome[]): BatchOutcome {
  const chain = parts[0]?.outcomes ?? [];
  const outcomes = chain.map((_, plugin) => parts.map((part) => part.outcomes[plugin] ?? "").join(""));
  const errors: BatchOutcome["errors"] = [];
  const lengths: number[] = [];
  const origins: EventOrigin[] = [];
  const bodies: Uint8Array[] = [];
  for (const part of parts) {
    for (const error of part.errors) errors.push({ ...error, event: error.event + lengths.length });
    lengths.push(...part.events.lengths);
    origins.push(...part.events.origins ?? part.events.lengths.map(() => ({})));
    bodies.push(part.events.body);
  }
  const body = bodies.length === 1 ? bodies[0] as Uint8Array : concat(bodies);
  return { outcomes, errors, events: { lengths, body, origins } };
}

/** The outcome for events whose plugins are not run: they pass. */
export function skippedBatch(fn: BatchFunction, chainLength: number, events: EncodedEvents): BatchOutcome {
  const line = Outcome.skipped.repeat(events.lengths.length);
  return { outcomes: new Array<string>(chainLength).fill(line), errors: [], events: passed(fn, events) };
}

/** The outcome for the event that ended the cell: it goes on as it was, marked as failed. */
export function failedEvent(end: CellEnd, fn: BatchFunction, event: EncodedEvents): BatchOutcome {
  const message = `${fn} did not finish: the plugin was stopped, since ${end.words}`;
  return {
    outcomes: [Outcome.failed],
    errors: [{ event: 0, plugin: 0, error: { name: PLUGIN_STOPPED, message, retry: false } }],
    events: passed(fn, event),
  };
}

/** The outcome of the plugins that were run, among all that were asked for. */
export function spreadOutcome(outcome: BatchOutcome, asked: number[], ran: number[]): BatchOutcome {
  if (asked.length === ran.length) return outcome;
  const skipped = Outcome.skipped.repeat(outcome.events.lengths.length);
  return {
    outcomes: asked.map((id) => outcome.outcomes[ran.indexOf(id)] ?? skipped),
    errors: outcome.errors.map((error) => ({ ...error, plugin: asked.indexOf(ran[error.plugin] as number) })),
    events: outcome.events,
  };
}

function passed(fn: BatchFunction, events: EncodedEvents): EncodedEvents {
  return fn === "processEvent" ? events : { lengths: events.lengths.map(() => 0), body: NO_BODY };
}

function concat(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}
