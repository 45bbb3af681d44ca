/**
 * Determines when an event happened, from the client's timestamp, the client's clock when it sent the event, and the
 * server's clock.
 * @module
 */

import type { PluginEvent } from "./event.ts";

const DAY = 86_400_000;
const MAX_LENGTH = 128;
const DATE = /^(\d{4})(?:-?(?:(\d{2})(?:-?(\d{2}))?|W(\d{2})(?:-?([1-7]))?|(\d{3})))?$/;
const TIME = /^(\d{2})(?::?(\d{2})(?::?(\d{2})(?:[.,](\d+))?)?)?$/;
const ZONE = /(?:z|utc|gmt|([+-])(\d{2}):?(\d{2})?)$/i;
/**
 * Formats other than ISO 8601 are passed to Date.parse only if they look like a written date: "Fri, 29 Oct 2021
 * 00:00:00 GMT".
 */
const WRITTEN_DATE = /^[a-z]{3,9},?\s|^\d{1,2}\s[a-z]{3}/i;

/**
 * Milliseconds since the epoch, or NaN. Accepts every form of ISO 8601 (calendar, week and ordinal dates, with `T` or a
 * space, any precision, any offset), RFC 2822, and milliseconds as a number. A time without a zone is UTC, whatever the
 * machine's zone.
 */
export function parseTimestamp(value: unknown): number {
  if (typeof value === "number") return Math.abs(value) <= 8.64e15 ? value : NaN;
  if (typeof value !== "string") return NaN;
  // The format of JavaScript's own clients is by far the most common, and needs none of the patterns below.
  if (value.length === 24 && value.charCodeAt(23) === 90) {
    const time = Date.parse(value);
    if (!Number.isNaN(time)) return time;
  }
  // No valid time is longer, and the bound keeps slow patterns harmless.
  if (value.length > MAX_LENGTH) return NaN;
  const text = value.trim();
  const space = text.search(/[t ]/i);
  const date = parseDate(space < 0 ? text : text.slice(0, space));
  if (Number.isNaN(date)) return parseWrittenDate(text);
  if (space < 0) return date;
  return date + parseTimeOfDay(text.slice(space + 1).trim());
}

/** Parses what is mostly the same text as the last time. */
function recalling(): (value: unknown) => number {
  let last: unknown;
  let time = NaN;
  return (value) => {
    if (value !== last) {
      time = parseTimestamp(value);
      last = value;
    }
    return time;
  };
}

// The events of one request have these in common.
const parseNow = recalling();
const parseSentAt = recalling();

/**
 * The event's time in milliseconds since the epoch. `timestamp` is corrected by how far the client's clock was off when
 * it sent the event (`now` − `sent_at`), unless `$ignore_sent_at` is set. Without a `timestamp`, `offset` counts back
 * from `now`; without either, the time is `now`.
 */
export function resolveTimestamp(
  event: Pick<PluginEvent, "timestamp" | "sent_at" | "offset" | "now" | "properties">,
): number {
  const now = parseNow(event.now);
  const received = Number.isNaN(now) ? Date.now() : now;
  if (event.timestamp !== undefined && event.timestamp !== null && event.timestamp !== "") {
    const timestamp = parseTimestamp(event.timestamp);
    const sentAt = event.properties?.$ignore_sent_at ? NaN : parseSentAt(event.sent_at);
    const time = Number.isNaN(sentAt) ? timestamp : received + (timestamp - sentAt);
    return isInYears(time) ? time : received;
  }
  const offset = Number(event.offset ?? NaN);
  return isInYears(received - offset) ? received - offset : received;
}

/** Whether a time in milliseconds since the epoch is in the years 1 to 9999, the only ones that an event may have. */
export function isInYears(time: number): boolean {
  return time >= YEAR_1 && time < YEAR_10000;
}

const YEAR_1 = Date.parse("0001-01-01T00:00:00.000Z");
const YEAR_10000 = Date.UTC(10_000, 0, 1);

function parseDate(text: string): number {
  const match = DATE.exec(text);
  if (!match) return NaN;
  const [, y, month, day, week, weekday, ordinal] = match;
  const year = Number(y);
  if (week !== undefined) return startOfWeek(year, Number(week)) + (Number(weekday ?? 1) - 1) * DAY;
  if (ordinal !== undefined) return startOfDay(year, Number(ordinal));
  const [m, d] = [Number(month ?? 1), Number(day ?? 1)];
  if (m < 1 || m > 12 || d < 1 || d > daysIn(year, m)) return NaN;
  return utc(year, m, d);
}

function parseTimeOfDay(text: string): number {
  const zone = ZONE.exec(text);
  const match = TIME.exec((zone ? text.slice(0, zone.index) : text).trim());
  if (!match) return NaN;
  const [hours, minutes, seconds] = [Number(match[1]), Number(match[2] ?? 0), Number(match[3] ?? 0)];
  // 24:00 is the end of the day, and second 60 is a leap second.
  if (hours > 24 || minutes > 59 || seconds > 60) return NaN;
  const fraction = match[4] === undefined ? 0 : Math.floor(Number(`0.${match[4]}`) * 1000 + 1e-9);
  const offset = zone?.[1] ? (Number(zone[2]) * 60 + Number(zone[3] ?? 0)) * (zone[1] === "-" ? -1 : 1) : 0;
  return ((hours * 60 + minutes - offset) * 60 + seconds) * 1000 + fraction;
}

function parseWrittenDate(text: string): number {
  if (!WRITTEN_DATE.test(text)) return NaN;
  const hasZone = /(?:z|utc|gmt|[ec][sd]t|[mp][sd]t|[+-]\d{2}:?\d{2})(?:\s*\(.*\))?$/i.test(text);
  return Date.parse(hasZone ? text : `${text} UTC`);
}

/** The Monday of an ISO week. Week 1 is the one that contains 4 January. */
function startOfWeek(year: number, week: number): number {
  const fourth = utc(year, 1, 4);
  const weekday = (new Date(fourth).getUTCDay() + 6) % 7;
  return week >= 1 && week <= 53 ? fourth + ((week - 1) * 7 - weekday) * DAY : NaN;
}

/** Days are counted from 1; a leap year has 366. */
function startOfDay(year: number, day: number): number {
  const start = utc(year, 1, day);
  return day >= 1 && start < utc(year + 1, 1, 1) ? start : NaN;
}

function daysIn(year: number, month: number): number {
  return new Date(utc(year, month + 1, 1) - DAY).getUTCDate();
}

/** Like Date.UTC, except that years below 100 are taken literally. */
function utc(year: number, month: number, day: number): number {
  return new Date(0).setUTCFullYear(year, month - 1, day);
}
