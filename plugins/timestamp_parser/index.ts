/**
 * Adds the parts of the event's time as properties of their own.
 * @module
 */

import type { Meta, PluginEvent } from "@posthog/plugin-scaffold";

type TimestampParser = {
  config: { timeZone: string; prefix: string };
  global: { format: Intl.DateTimeFormat };
};

const NUMBERS = ["year", "month", "day", "hour", "minute"];

export function setupPlugin({ config, global }: Meta<TimestampParser>): void {
  try {
    global.format = new Intl.DateTimeFormat("en-GB", {
      timeZone: config.timeZone || "UTC",
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      weekday: "long",
    });
  } catch (cause) {
    throw new Error(`Cannot parse times: expected "Time zone" from the IANA list, got "${config.timeZone}"`, { cause });
  }
}

export function processEvent(event: PluginEvent, { config, global }: Meta<TimestampParser>): PluginEvent {
  const time = Date.parse(event.timestamp ?? event.now);
  if (Number.isNaN(time)) return event;
  const properties = event.properties ??= {};
  for (const { type, value } of global.format.formatToParts(time)) {
    if (type === "weekday") properties[`${config.prefix}day_of_the_week`] = value;
    else if (NUMBERS.includes(type)) properties[config.prefix + type] = Number(value);
  }
  return event;
}
