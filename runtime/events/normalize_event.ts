/**
 * Normalises an event before the first plugin and again after the last one, as PostHog's normalizeEvent did.
 * @module
 */

import type { PluginEvent, Properties } from "./event.ts";
import { isRecord } from "../is_record.ts";
import type { OriginalEvent } from "./original_event.ts";
import { personProperties } from "./person_properties.ts";

/** Copied to `$set` and, as `$initial_…`, to `$set_once`. */
const CAMPAIGN_PROPERTIES = [
  "utm_source",
  "utm_medium",
  "utm_campaign",
  "utm_content",
  "utm_name",
  "utm_term",
  "gclid",
  "fbclid",
];

/** Copied to `$set_once` only, as `$initial_…` without the dollar sign. */
const INITIAL_PROPERTIES = [
  "$browser",
  "$browser_version",
  "$device_type",
  "$current_url",
  "$pathname",
  "$os",
  "$referring_domain",
  "$referrer",
];

const CAMPAIGN: [key: string, initial: string][] = CAMPAIGN_PROPERTIES.map((key) => [key, `$initial_${key}`]);
const INITIAL: [key: string, initial: string][] = INITIAL_PROPERTIES.map((key) => [key, `$initial_${key.slice(1)}`]);

/**
 * Makes `distinct_id` a string and `properties` an object, merges the event's own `$set` and `$set_once` over those
 * among the properties, and derives person properties from campaign and browser properties. Changes the event and
 * returns it. `before` is the event as it was when they were first derived.
 */
export function normalizeEvent<T extends PluginEvent>(event: T, before?: OriginalEvent): T {
  // A plugin may have put a value of any type where the interface says string.
  const id: unknown = event.distinct_id;
  if (id !== undefined && id !== null && typeof id !== "string") event.distinct_id = textOf(id);
  if (!isRecord(event.properties)) event.properties = {};
  mergeOver(event.properties, "$set", event.$set);
  mergeOver(event.properties, "$set_once", event.$set_once);
  if (event.event !== "$snapshot") addPersonProperties(event.properties, before);
  return event;
}

/**
 * Adds what the campaign and browser properties say about the person to `$set` and `$set_once`. A value that is already
 * there came from the SDK or a plugin and stays: posthog-js, for example, sends a visitor's first page as `$initial_…`
 * with a later event. A value that was derived from the event `before` is updated if the property that it came from has
 * changed.
 */
export function addPersonProperties(properties: Properties, before?: OriginalEvent): void {
  const said = personProperties({ properties });
  let set: Properties | undefined;
  let setOnce: Properties | undefined;
  for (const [key, initial] of CAMPAIGN) {
    const value = properties[key];
    if (value === undefined) continue;
    if (isDerived(said.set?.[key], value, key, before)) (set ??= { ...said.set })[key] = value;
    if (isDerived(said.setOnce?.[initial], value, key, before)) (setOnce ??= { ...said.setOnce })[initial] = value;
  }
  for (const [key, initial] of INITIAL) {
    const value = properties[key];
    if (value === undefined) continue;
    if (isDerived(said.setOnce?.[initial], value, key, before)) (setOnce ??= { ...said.setOnce })[initial] = value;
  }
  if (set) properties.$set = set;
  if (setOnce) properties.$set_once = setOnce;
}

/**
 * Whether the person property may be overwritten: either it is absent, or it was derived from the property's earlier
 * value.
 */
function isDerived(said: unknown, value: unknown, key: string, before?: OriginalEvent): boolean {
  if (said === undefined) return true;
  return said !== value && before !== undefined && before.had(key, said);
}

/**
 * Converts a distinct_id that is not a string: numbers and booleans to their usual text, arrays and objects to JSON.
 */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : typeof value === "object" ? JSON.stringify(value) : String(value);
}

function mergeOver(properties: Properties, key: "$set" | "$set_once", values: unknown): void {
  if (isRecord(values)) properties[key] = { ...copyOf(properties[key]), ...values };
}

function copyOf(value: unknown): Properties {
  return isRecord(value) ? { ...value } : {};
}
