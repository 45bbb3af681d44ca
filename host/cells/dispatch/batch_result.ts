/**
 * Reads the answer to a batch. Counts, characters and sizes must agree with what was asked; then the events that came
 * out are merged with those that stayed as they were, copying as little as possible.
 * @module
 */

import { decodeBatch } from "../../../runtime/frames.ts";
import { type BatchFunction, Outcome, UNCHANGED } from "../../../runtime/protocol.ts";
import { batchResultSchema, CellProtocolError, checkMessage, checkValues } from "../process/cell_messages.ts";
import { MAX_DEPTH, MAX_EVENT_BYTES, MAX_HEADER_BYTES, MAX_VALUES } from "../process/cell_limits.ts";
import { findExcess, type JsonLimits } from "../process/json_depth.ts";
import type { BatchOutcome, EncodedEvents } from "../plugin_runtime.ts";

export interface AskedBatch {
  fn: BatchFunction;
  /** How many plugins it was to pass. */
  chainLength: number;
  events: EncodedEvents;
}

const UNKNOWN_OUTCOME = new RegExp(`[^${Object.values(Outcome).join("")}]`, "u");
const NO_BODY = new Uint8Array();

/** What became of the batch. Throws CellProtocolError when the answer does not fit the question. */
export function readBatchResult(payload: Uint8Array<ArrayBuffer>, asked: AskedBatch): BatchOutcome {
  const { header, body } = split(payload);
  const { outcomes, errors, lengths, spent } = checkMessage("a batch's result", batchResultSchema, header);
  const count = asked.events.lengths.length;
  check(outcomes.length === asked.chainLength, `${outcomes.length} outcomes for ${asked.chainLength} plugins`);
  check(spent === undefined || spent.length === asked.chainLength, `times of ${spent?.length} plugins`);
  check(lengths.length === count, `${lengths.length} lengths for ${count} events`);
  for (const line of outcomes) {
    check(line.length === count, `${line.length} outcomes for ${count} events`);
    const unknown = UNKNOWN_OUTCOME.exec(line);
    check(unknown === null, `outcome "${unknown?.[0]}"`);
  }
  check(errors.length <= count * asked.chainLength, `${errors.length} errors`);
  for (const { event, plugin } of errors) {
    check(event < count && plugin < asked.chainLength, `an error of event ${event}, plugin ${plugin}`);
  }
  const bytes = lengths.reduce((sum, length) => sum + Math.max(0, length), 0);
  check(bytes === body.byteLength, `events of ${bytes} bytes in a body of ${body.byteLength}`);
  const times = spent === undefined ? {} : { spent };
  if (asked.fn !== "processEvent") {
    check(bytes === 0, `${bytes} bytes of events from ${asked.fn}`);
    return { outcomes, errors, events: { lengths: lengths.map(() => 0), body: NO_BODY }, ...times };
  }
  for (const [event, length] of lengths.entries()) {
    const dropped = outcomes.some((line) => line[event] === Outcome.dropped);
    if (dropped !== (length === 0)) check(false, `event ${event} of ${length} bytes, dropped: ${dropped}`);
    if (length > MAX_EVENT_BYTES) check(false, `event ${event} of ${length} bytes`);
  }
  const heavy = findTooHeavy(lengths, body);
  const events = merge(
    asked.events,
    lengths.map((length, event) => heavy.has(event) ? UNCHANGED : length),
    body,
    lengths,
  );
  return { ...(heavy.size === 0 ? { outcomes, errors } : failTooHeavy(outcomes, errors, heavy)), events, ...times };
}

/**
 * Finds events that recursive code could not walk through, or that take too long to parse, and says what is wrong
 * with each.
 */
function findTooHeavy(lengths: number[], body: Uint8Array): Map<number, string> {
  const heavy = new Map<number, string>();
  let at = 0;
  for (const [event, length] of lengths.entries()) {
    const bytes = Math.max(0, length);
    const excess = bytes > 2 * MAX_DEPTH ? findExcess(LIMITS, body.subarray(at, at + bytes)) : null;
    if (excess !== null) heavy.set(event, EXCESSES[excess]);
    at += bytes;
  }
  return heavy;
}

const LIMITS: JsonLimits = { levels: MAX_DEPTH, values: MAX_VALUES };
const EXCESSES: Record<keyof JsonLimits, string> = {
  levels: `it is nested more than ${MAX_DEPTH} levels deep`,
  values: `it has more than ${MAX_VALUES} values`,
};

/** The plugin that returned it is the last that did anything with it. */
function failTooHeavy(outcomes: string[], errors: BatchOutcome["errors"], heavy: Map<number, string>) {
  const lines = outcomes.map((line) => [...line]);
  const added = [...heavy].map(([event, why]) => {
    const plugin = Math.max(0, lines.findLastIndex((line) => line[event] === Outcome.ok));
    const line = lines[plugin];
    if (line !== undefined) line[event] = Outcome.failed;
    return { event, plugin, error: { name: "RangeError", message: `Cannot take the event: ${why}`, retry: false } };
  });
  return { outcomes: lines.map((line) => line.join("")), errors: [...errors, ...added] };
}

function split(payload: Uint8Array<ArrayBuffer>): { header: unknown; body: Uint8Array } {
  const size = payload.byteLength < 4
    ? 0
    : new DataView(payload.buffer, payload.byteOffset, payload.byteLength).getUint32(0, true);
  check(size <= MAX_HEADER_BYTES, `a header of ${size} bytes`);
  checkValues("a batch's result", payload.subarray(4, 4 + size));
  try {
    return decodeBatch(payload);
  } catch (cause) {
    throw new CellProtocolError("Cannot read a batch's result: its header is not JSON", { cause });
  }
}

function check(holds: boolean, found: string): void {
  if (!holds) throw new CellProtocolError(`Cannot read a batch's result: found ${found}`);
}

/** `sent` are the lengths of what stands in the body, of which some may not be taken. */
function merge(input: EncodedEvents, lengths: number[], body: Uint8Array, sent: number[]): EncodedEvents {
  if (lengths.every((length) => length === UNCHANGED)) return input;
  const origins = input.origins === undefined ? {} : { origins: input.origins };
  if (!lengths.includes(UNCHANGED)) return { lengths, body, ...origins };
  const sizes = lengths.map((length, event) => length === UNCHANGED ? input.lengths[event] ?? 0 : length);
  const merged = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0));
  let at = 0;
  let fromInput = 0;
  let fromBody = 0;
  for (const [event, length] of lengths.entries()) {
    const inputLength = input.lengths[event] ?? 0;
    const text = length === UNCHANGED
      ? input.body.subarray(fromInput, fromInput + inputLength)
      : body.subarray(fromBody, fromBody + length);
    merged.set(text, at);
    at += text.byteLength;
    fromInput += inputLength;
    fromBody += Math.max(0, sent[event] ?? 0);
  }
  return { lengths: sizes, body: merged, ...origins };
}
