/**
 * The header Retry-After.
 * @module
 */

/** A far side with a broken clock shall not stop a delivery for good. */
const MAX_RETRY_AFTER_MS = 24 * 3600 * 1000;

/** Milliseconds to wait, from seconds or an HTTP date; undefined when the header is absent or senseless. */
export function parseRetryAfter(value: string | null, now: number): number | undefined {
  const text = value?.trim() ?? "";
  if (/^\d+(\.\d+)?$/.test(text)) return Math.min(Number(text) * 1000, MAX_RETRY_AFTER_MS);
  // Every HTTP date has a time of day; without this test Date.parse takes "-5" for a year.
  const time = /\d\d:\d\d/.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(time) ? undefined : Math.min(Math.max(0, time - now), MAX_RETRY_AFTER_MS);
}
