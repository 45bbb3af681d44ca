/**
 * The events of one request. A large request keeps them as text until each is needed: parsing twenty megabytes at once
 * would delay every other request, and the objects would take several times the memory of the text.
 * @module
 */

import { isRecord } from "../../../runtime/is_record.ts";
import type { ElementSpans } from "./measure_json.ts";
import { parseJson } from "./parse_json.ts";

/** The events of a request, in place of the `batch` or the root array that held them. */
export type SentEvents = unknown[] | UnparsedEvents;

/** Events that are parsed one by one, anew on each iteration. */
export class UnparsedEvents implements Iterable<unknown> {
  readonly length: number;
  readonly #cuts: number[];
  readonly #slice: TextSlice;

  constructor({ cuts }: ElementSpans, slice: TextSlice) {
    this.#cuts = cuts;
    this.#slice = slice;
    this.length = cuts.length - 1;
  }

  /** Throws CaptureError at an element that is not JSON. */
  *[Symbol.iterator](): Generator<unknown, void> {
    for (let index = 0; index < this.length; index++) {
      const from = this.#cuts[index] as number;
      const to = this.#cuts[index + 1] as number;
      yield parseJson(this.#slice(from + 1, to));
    }
  }
}

export function isSentEvents(value: unknown): value is SentEvents {
  return Array.isArray(value) || value instanceof UnparsedEvents;
}

/** The text between two positions of the body, as counted by the meter. */
export type TextSlice = (from: number, to: number) => string;

/**
 * Parses everything in a body but its events. The result is what JSON.parse would give, with `UnparsedEvents` in place
 * of the array that the meter found. Throws CaptureError when the text around the events is not JSON.
 */
export function parseAround(spans: ElementSpans, slice: TextSlice, length: number): unknown {
  const [open = 0] = spans.cuts;
  const close = spans.cuts.at(-1) ?? open;
  const around = parseJson(slice(0, open + 1) + slice(close, length));
  // An empty array has two cuts as well, with only white space between them.
  if (spans.cuts.length === 2 && slice(open + 1, close).trim() === "") return around;
  const events = new UnparsedEvents(spans, slice);
  if (Array.isArray(around)) return events;
  // A later field `batch` takes precedence, as with JSON.parse.
  if (isRecord(around) && Array.isArray(around.batch) && around.batch.length === 0) around.batch = events;
  return around;
}
