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
const STRIDE = 512 * 1024;

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * Resolves when the text would become no more than this many events and values, and rejects with 413 otherwise. Events are the elements of
 * an array that is the whole, or that is a field of the whole. What is no JSON is counted in some way: its parser says what is wrong.
 */
export async function measureJson(text: string, maxEvents = MAX_EVENTS, maxValues = MAX_VALUES): Promise<void> {
  let values = 0;
  let events = 0;
  let depth = 0;
  /** Of the array whose elements are events; 0 outside. */
  let eventsAt = 0;
  let inString = false;
  for (let from = 0; from < text.length; from += STRIDE) {
    if (from > 0) await giveWay();
    const to = Math.min(text.length, from + STRIDE);
    for (let at = from; at < to; at++) {
      const code = text.charCodeAt(at);
      if (inString) {
        if (code === BACKSLASH) at++;
        else if (code === QUOTE) inString = false;
        continue;
      }
      switch (code) {
        case QUOTE:
          inString = true;
          break;
        case COMMA:
          values++;
          if (depth === eventsAt) events++;
          break;
        case OPEN_BRACKET:
          values++;
          depth++;
          if (eventsAt === 0 && depth <= 2) {
            eventsAt = depth;
            events = 1;
          }
          break;
        case OPEN_BRACE:
          values++;
          depth++;
          break;
        case CLOSE_BRACKET:
        case CLOSE_BRACE:
          if (depth === eventsAt) eventsAt = 0;
          depth--;
          break;
      }
      if (events > maxEvents) throw tooMany("events", maxEvents);
    }
    if (values > maxValues) throw tooMany("values", maxValues);
  }
}

function tooMany(what: string, most: number): Error {
  return tooLarge(`Request too large: more than ${most} ${what}. Send fewer events per request.`);
}
