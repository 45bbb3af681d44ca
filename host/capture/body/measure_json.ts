/**
 * What a JSON text would become, known before it is parsed: a few bytes of it may stand for an object of a hundred.
 * @module
 */

import { tooLarge } from "../capture_error.ts";
import { giveWay } from "./give_way.ts";

/** No SDK sends more than some hundreds of events at once; importers send some thousands. */
export const MAX_EVENTS = 10_000;
/** 20 MiB of ordinary events have fewer. Each takes about 50 bytes of memory, and 0.1 µs of the one thread. */
export const MAX_VALUES = 1_000_000;

/** Characters between two looks at the clock; about a millisecond. */
const STRIDE = 128 * 1024;

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * Counts what a JSON text becomes, piece by piece. Events are the elements of an array that is the whole, or that is a field of the whole.
 * What is no JSON is counted in some way: its parser says what is wrong.
 */
export class JsonMeter {
  readonly #maxEvents: number;
  readonly #maxValues: number;
  #values = 0;
  #events = 0;
  #depth = 0;
  /** Of the array whose elements are events; 0 outside. */
  #eventsAt = 0;
  #inString = false;
  #escaped = false;

  constructor(maxEvents = MAX_EVENTS, maxValues = MAX_VALUES) {
    this.#maxEvents = maxEvents;
    this.#maxValues = maxValues;
  }

  /** @throws 413 as soon as it is more than a request may hold. */
  push(length: number, codeAt: (index: number) => number): void {
    for (let at = 0; at < length; at++) {
      const code = codeAt(at);
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (code === BACKSLASH) this.#escaped = true;
        else if (code === QUOTE) this.#inString = false;
        continue;
      }
      switch (code) {
        case QUOTE:
          this.#inString = true;
          break;
        case COMMA:
          this.#values++;
          if (this.#depth === this.#eventsAt) this.#events++;
          break;
        case OPEN_BRACKET:
          this.#values++;
          this.#depth++;
          if (this.#eventsAt === 0 && this.#depth <= 2) {
            this.#eventsAt = this.#depth;
            this.#events = 1;
          }
          break;
        case OPEN_BRACE:
          this.#values++;
          this.#depth++;
          break;
        case CLOSE_BRACKET:
        case CLOSE_BRACE:
          if (this.#depth === this.#eventsAt) this.#eventsAt = 0;
          this.#depth--;
          break;
      }
      if (this.#events > this.#maxEvents) throw tooMany("events", this.#maxEvents);
    }
    if (this.#values > this.#maxValues) throw tooMany("values", this.#maxValues);
  }

  pushBytes(bytes: Uint8Array): void {
    this.push(bytes.byteLength, (at) => bytes[at] as number);
  }
}

/** Resolves when the text would become no more than this many events and values, and rejects with 413 otherwise. */
export async function measureJson(text: string, maxEvents = MAX_EVENTS, maxValues = MAX_VALUES): Promise<void> {
  const meter = new JsonMeter(maxEvents, maxValues);
  for (let from = 0; from < text.length; from += STRIDE) {
    if (from > 0) await giveWay();
    meter.push(Math.min(STRIDE, text.length - from), (at) => text.charCodeAt(from + at));
  }
}

/** The same of UTF-8 bytes, before they become a text. */
export async function measureJsonBytes(bytes: Uint8Array): Promise<void> {
  const meter = new JsonMeter();
  for (let from = 0; from < bytes.byteLength; from += STRIDE) {
    if (from > 0) await giveWay();
    meter.pushBytes(bytes.subarray(from, from + STRIDE));
  }
}

function tooMany(what: string, most: number): Error {
  return tooLarge(`Request too large: more than ${most} ${what}. Send fewer events per request.`);
}
