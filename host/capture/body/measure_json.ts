/**
 * Measures what a JSON text will become before it is parsed: a few bytes of it can become an object of a hundred bytes.
 * @module
 */

import { malformed, tooLarge } from "../capture_error.ts";
import { giveWay } from "./give_way.ts";
import { firstCode, startsJson } from "./starts_json.ts";

/** The most events in a request. SDKs send a few hundred at once, importers a few thousand. */
export const MAX_EVENTS = 10_000;
/**
 * The most values in a request. 20 MiB of ordinary events have fewer; each takes about 50 bytes of memory and 0.1 µs of
 * the only thread.
 */
export const MAX_VALUES = 1_000_000;

/** Characters between two checks of the clock; about a millisecond of work. */
const STRIDE = 128 * 1024;

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * Where the elements of an array are: `cuts` holds the positions of its opening bracket, of the commas between its
 * elements and of its closing bracket.
 */
export interface ElementSpans {
  cuts: number[];
}

/**
 * Counts events and values in a JSON text, piece by piece, and records where the events are: the elements of the root,
 * or of its field `batch`. Elements of any other array directly in the root count as events too. Invalid JSON gets some
 * count; its parser reports the error.
 */
export class JsonMeter {
  readonly #maxEvents: number;
  readonly #maxValues: number;
  #values = 0;
  #events = 0;
  #depth = 0;
  /** The nesting depth of the array whose elements are events; 0 outside of it. */
  #eventsAt = 0;
  #inString = false;
  #escaped = false;
  /** Characters or bytes in earlier pieces. */
  #passed = 0;
  /**
   * The latest string directly in the root, without quotes and up to a maximum length: the name of the current field.
   */
  #name: number[] = [];
  /** Positions in the array of events; null until it is found. */
  #cuts: number[] | null = null;
  #isCutting = false;

  constructor(maxEvents = MAX_EVENTS, maxValues = MAX_VALUES) {
    this.#maxEvents = maxEvents;
    this.#maxValues = maxValues;
  }

  /** @throws 413 as soon as the text exceeds the bounds of a request */
  push(length: number, codeAt: (index: number) => number): void {
    for (let at = 0; at < length; at++) {
      const code = codeAt(at);
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (code === BACKSLASH) this.#escaped = true;
        else if (code === QUOTE) this.#inString = false;
        if (this.#depth === 1 && this.#inString && this.#name.length < LONGEST_NAME) this.#name.push(code);
        continue;
      }
      switch (code) {
        case QUOTE:
          this.#inString = true;
          if (this.#depth === 1) this.#name = [];
          break;
        case COMMA:
          this.#values++;
          if (this.#depth !== this.#eventsAt) break;
          this.#events++;
          if (this.#isCutting) this.#cuts?.push(this.#passed + at);
          break;
        case OPEN_BRACKET:
          this.#values++;
          this.#depth++;
          if (this.#eventsAt === 0 && this.#depth <= 2) {
            this.#eventsAt = this.#depth;
            this.#events = 1;
            if (this.#cuts === null && (this.#depth === 1 || isBatch(this.#name))) {
              this.#cuts = [this.#passed + at];
              this.#isCutting = true;
            }
          }
          break;
        case OPEN_BRACE:
          this.#values++;
          this.#depth++;
          break;
        case CLOSE_BRACKET:
        case CLOSE_BRACE:
          if (this.#depth === this.#eventsAt) {
            this.#eventsAt = 0;
            if (this.#isCutting) this.#cuts?.push(this.#passed + at);
            this.#isCutting = false;
          }
          this.#depth--;
          break;
      }
      if (this.#events > this.#maxEvents) throw tooMany("events", this.#maxEvents);
    }
    if (this.#values > this.#maxValues) throw tooMany("values", this.#maxValues);
    this.#passed += length;
  }

  /**
   * Where the events are, once all of the text has been pushed; null when there is no array of events.
   * @throws 400 when the text is incomplete
   */
  end(): ElementSpans | null {
    if (this.#depth > 0 || this.#inString) throw malformed("Invalid JSON: it ends before it is complete");
    return this.#cuts && { cuts: this.#cuts };
  }

  pushBytes(bytes: Uint8Array): void {
    this.push(bytes.byteLength, (at) => bytes[at] as number);
  }
}

/** Measures a body that arrives in pieces, if it is JSON. */
export class BodyMeter {
  readonly #meter = new JsonMeter();
  #isJson: boolean | undefined;

  /** @throws 413 as soon as the body exceeds the bounds of a request */
  look(piece: Uint8Array): void {
    // White space alone does not tell yet.
    if (this.#isJson === undefined && firstCode(piece) !== undefined) this.#isJson = startsJson(piece);
    if (this.#isJson !== false) this.#meter.pushBytes(piece);
  }

  /**
   * Where the events are; null when there is no array of events or the body is not JSON.
   * @throws 400 when the JSON is incomplete
   */
  end(): ElementSpans | null {
    return this.#isJson ? this.#meter.end() : null;
  }
}

/** Resolves when the text would become no more than this many events and values; rejects with 413 otherwise. */
export async function measureJson(
  text: string,
  maxEvents = MAX_EVENTS,
  maxValues = MAX_VALUES,
): Promise<ElementSpans | null> {
  const meter = new JsonMeter(maxEvents, maxValues);
  for (let from = 0; from < text.length; from += STRIDE) {
    if (from > 0) await giveWay();
    meter.push(Math.min(STRIDE, text.length - from), (at) => text.charCodeAt(from + at));
  }
  return meter.end();
}

/** Long enough for the name with every character escaped. */
const LONGEST_NAME = 32;

function isBatch(name: number[]): boolean {
  const text = String.fromCharCode(...name);
  if (!text.includes("\\")) return text === "batch";
  try {
    return JSON.parse(`"${text}"`) === "batch";
  } catch {
    return false;
  }
}

function tooMany(what: string, most: number): Error {
  return tooLarge(`Request too large: more than ${most} ${what}. Send fewer events per request.`);
}
