/**
 * What is done to an event before the first plugin and again after the last: PostHog's normalizeEvent.
 * @module
 */

import type { PluginEvent, Properties } from "./event.ts";
import { isRecord } from "../is_record.ts";

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

/** Copied to `$set_once` alone, as `$initial_…` without the dollar sign. */
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
 * Makes `distinct_id` a string and `properties` an object, merges the event's own `$set` and `$set_once` over those among the
 * properties, and derives person properties from campaign and browser properties. Changes the event and returns it.
 */
export function normalizeEvent<T extends PluginEvent>(event: T): T {
  // A plugin's event may have any type where the interface says string.
  const id: unknown = event.distinct_id;
  if (id !== undefined && id !== null && typeof id !== "string") event.distinct_id = textOf(id);
  if (!isRecord(event.properties)) event.properties = {};
  mergeOver(event.properties, "$set", event.$set);
  mergeOver(event.properties, "$set_once", event.$set_once);
  if (event.event !== "$snapshot") addPersonProperties(event.properties);
  return event;
}

/** Adds what the campaign and browser properties say about the person to `$set` and `$set_once`. */
export function addPersonProperties(properties: Properties): void {
  let set: Properties | undefined;
  let setOnce: Properties | undefined;
  for (const [key, initial] of CAMPAIGN) {
    const value = properties[key];
    if (value === undefined) continue;
    (set ??= copyOf(properties.$set))[key] = value;
    (setOnce ??= copyOf(properties.$set_once))[initial] = value;
  }
  for (const [key, initial] of INITIAL) {
    const value = properties[key];
    if (value === undefined) continue;
    (setOnce ??= copyOf(properties.$set_once))[initial] = value;
  }
  if (set) properties.$set = set;
  if (setOnce) properties.$set_once = setOnce;
}

/** A distinct_id that is not a string, as text: numbers and booleans as such, arrays and objects as JSON. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : typeof value === "object" ? JSON.stringify(value) : String(value);
}

function mergeOver(properties: Properties, key: "$set" | "$set_once", values: unknown): void {
  if (isRecord(values)) properties[key] = { ...copyOf(properties[key]), ...values };
}

function copyOf(value: unknown): Properties {
  return isRecord(value) ? { ...value } : {};
}
