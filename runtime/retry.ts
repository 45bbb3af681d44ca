/**
 * When a plugin's function that threw a RetryError runs again: one table for each function, and the arithmetic.
 *
 * The numbers are those of PostHog's developer reference: setupPlugin and onEvent "up to 5 times (first retry after 5
 * s, then 10 s after that, 20 s, 40 s, lastly 80 s)", exportEvents "up to 3 times (first retry after 6 s, then 12 s
 * after that, 24 s)". PostHog's code made one retry less for the first two, but the text is what plugin authors were
 * promised.
 * @module
 */

export interface RetryTable {
  /** The number of runs after the first one. */
  readonly retries: number;
  /** The wait before the first retry. */
  readonly baseMs: number;
  /** Each wait is this many times as long as the one before. */
  readonly multiplier: number;
}

export const SETUP_PLUGIN_RETRIES: RetryTable = { retries: 5, baseMs: 5_000, multiplier: 2 };

/** Also used for onSnapshot, as in PostHog, and for composeWebhook, which PostHog never retried. */
export const ON_EVENT_RETRIES: RetryTable = { retries: 5, baseMs: 5_000, multiplier: 2 };

export const EXPORT_EVENTS_RETRIES: RetryTable = { retries: 3, baseMs: 6_000, multiplier: 2 };

/** Hogpen's own: PostHog ran a job once, whatever it threw. */
export const JOB_RETRIES: RetryTable = { retries: 5, baseMs: 5_000, multiplier: 2 };

/** The wait after the given attempt, counted from 1. */
export function nextRetryMs(attempt: number, baseMs: number, multiplier: number): number {
  if (attempt < 1) throw new RangeError("Attempts are indexed starting with 1");
  return baseMs * multiplier ** (attempt - 1);
}

/** The most runs of a function, including the first. */
export function maxAttempts(table: RetryTable): number {
  return table.retries + 1;
}

/** The wait after the given attempt failed; null if it was the last one. */
export function retryDelayMs(table: RetryTable, attempt: number): number | null {
  return attempt > table.retries ? null : nextRetryMs(attempt, table.baseMs, table.multiplier);
}
