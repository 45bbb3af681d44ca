/**
 * Deals with bytes that are no event. The host passes what one cell returned to the next without parsing it, so it is
 * the next cell that finds out. Its claim is checked. If it is right, the cell that returned the bytes is ended;
 * otherwise the cell that complained.
 * @module
 */

import { BAD_INPUT } from "../../../runtime/errors.ts";
import { Outcome } from "../../../runtime/protocol.ts";
import { CellProtocolError } from "../process/cell_messages.ts";
import type { BatchOutcome, EncodedEvents } from "../plugin_runtime.ts";

/** Maps the body that a cell returned to a function that ends this cell. */
const producers = new WeakMap<Uint8Array, (words: string) => void>();

const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * The outcome, with events that could not be read marked as skipped: that is not this cell's failure. `end` ends the
 * cell that answered, should what it returned turn out to be no event. Throws CellProtocolError when it could not read
 * what can be read.
 */
export function settleBadInput(
  outcome: BatchOutcome,
  input: EncodedEvents,
  end: (words: string) => void,
): BatchOutcome {
  const bad = new Set(outcome.errors.filter(({ error }) => error.name === BAD_INPUT).map(({ event }) => event));
  const { body } = outcome.events;
  if (bad.size === 0) {
    if (body !== input.body) producers.set(body, end);
    return outcome;
  }
  for (const event of bad) {
    if (isEvent(input, event)) throw new CellProtocolError(`Cannot take its word that event ${event} cannot be read`);
  }
  producers.get(input.body)?.("it returned what is not an event");
  return {
    outcomes: outcome.outcomes.map((line) =>
      [...line].map((each, event) => bad.has(event) ? Outcome.skipped : each).join("")
    ),
    errors: outcome.errors.filter(({ event }) => !bad.has(event)),
    events: outcome.events,
  };
}

function isEvent({ lengths, body }: EncodedEvents, index: number): boolean {
  const start = lengths.slice(0, index).reduce((sum, length) => sum + length, 0);
  try {
    const event: unknown = JSON.parse(decoder.decode(body.subarray(start, start + (lengths[index] ?? 0))));
    return typeof event === "object" && event !== null && !Array.isArray(event);
  } catch {
    return false;
  }
}
