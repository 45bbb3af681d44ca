/**
 * What an event says about its person. It may be in two places: current SDKs and plugins put it into `properties`,
 * older ones beside them. What is beside `properties` takes precedence, as it does when the two are merged. Everyone
 * who needs it should ask here.
 * @module
 */

import { isRecord } from "../is_record.ts";

export interface PersonProperties {
  set: Record<string, unknown> | null;
  setOnce: Record<string, unknown> | null;
}

/** Null for what the event does not contain. */
export function personProperties(event: Record<string, unknown>): PersonProperties {
  const properties = isRecord(event.properties) ? event.properties : {};
  return { set: merge(properties.$set, event.$set), setOnce: merge(properties.$set_once, event.$set_once) };
}

function merge(inner: unknown, outer: unknown): Record<string, unknown> | null {
  if (!isRecord(inner)) return isRecord(outer) ? outer : null;
  return isRecord(outer) ? { ...inner, ...outer } : inner;
}
