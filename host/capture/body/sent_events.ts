/**
 * The events of one request, which a large request keeps as text until each is needed: parsing twenty megabytes in one go
 * would hold up every other request, and the objects would take several times the memory of the text.
 * @module
 */

import { isRecord } from "../../../runtime/is_record.ts";
import type { ElementSpans } from "./measure_json.ts";
import { parseJson } from "./parse_json.ts";

/** Where `batch` or the whole body is an array, this is what stands in its place. */
export type SentEvents = unknown[] | UnparsedEvents;

/** Events that are parsed one by one, anew each time that they are gone through. */
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

/** The text between two places of the body, as counted by the meter. */
export type TextSlice = (from: number, to: number) => string;

/**
 * Parses a body but for its events. The result is what JSON.parse would give, with `UnparsedEvents` in the place of the array
 * that the meter found. Throws CaptureError when what is around the events is not JSON.
 */
export function parseAround(spans: ElementSpans, slice: TextSlice, length: number): unknown {
  const [open = 0] = spans.cuts;
  const close = spans.cuts.at(-1) ?? open;
  const around = parseJson(slice(0, open + 1) + slice(close, length));
  // An array without elements has two cuts as well; what is between them is white space, or nothing that JSON knows.
  if (spans.cuts.length === 2 && slice(open + 1, close).trim() === "") return around;
  const events = new UnparsedEvents(spans, slice);
  if (Array.isArray(around)) return events;
  // Another `batch` after this one wins, as it does with JSON.parse.
  if (isRecord(around) && Array.isArray(around.batch) && around.batch.length === 0) around.batch = events;
  return around;
}
