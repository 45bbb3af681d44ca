/**
 * Parses the header Retry-After.
 * @module
 */

/** The longest wait in milliseconds, so that a far side with a wrong clock cannot stop a delivery for good. */
const MAX_RETRY_AFTER_MS = 24 * 3600 * 1000;

/** The wait in milliseconds, from seconds or an HTTP date; undefined when the header is absent or invalid. */
export function parseRetryAfter(value: string | null, now: number): number | undefined {
  const text = value?.trim() ?? "";
  if (/^\d+(\.\d+)?$/.test(text)) return Math.min(Number(text) * 1000, MAX_RETRY_AFTER_MS);
  // Every HTTP date has a time of day. Without this test Date.parse would read "-5" as a year.
  const time = /\d\d:\d\d/.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(time) ? undefined : Math.min(Math.max(0, time - now), MAX_RETRY_AFTER_MS);
}
