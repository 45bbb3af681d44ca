/**
 * Selects the events that a destination wants, by name and by properties.
 * @module
 */

import { isDeepStrictEqual } from "node:util";
import { isRecord } from "../../runtime/is_record.ts";
import type { DestinationConfig } from "../config/config.ts";
import type { EventFilter } from "../consumers/sink.ts";

/**
 * Null when every event is wanted, so that no event has to be parsed. Otherwise an event must have one of the names and
 * all of the properties.
 */
export function createEventFilter(filter: DestinationConfig["filter"]): EventFilter | null {
  const names = filter.events && new Set(filter.events);
  const properties = Object.entries(filter.properties ?? {});
  if (!names && properties.length === 0) return null;
  const decoder = new TextDecoder();
  return (bytes) => {
    const event = parse(decoder.decode(bytes));
    // Passed through, so that the destination rejects it with a reason instead of dropping it silently.
    if (!isRecord(event)) return true;
    if (names && !(typeof event.event === "string" && names.has(event.event))) return false;
    const found = isRecord(event.properties) ? event.properties : {};
    return properties.every(([name, value]) => Object.hasOwn(found, name) && isDeepStrictEqual(found[name], value));
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
