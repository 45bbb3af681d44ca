/**
 * The result of one run of a job.
 * @module
 */

import type { ErrorRecord } from "../../runtime/errors.ts";
import type { Job } from "../store/store.ts";

export type JobVerdict =
  | { kind: "done" }
  /** Runs again, and counts as an attempt. */
  | { kind: "retry"; error: ErrorRecord; delayMs: number }
  /** The plugin was not available, so the job did not run. It is tried again soon, and no attempt is counted. */
  | { kind: "returned"; reason: string }
  | { kind: "failed"; error: ErrorRecord };

export function describeError({ name, message }: ErrorRecord): string {
  return message ? `${name}: ${message}` : name;
}

/** The error of the final attempt, named as PostHog names it: `RetryError (attempt 6/6)`. */
export function lastAttempt(
  error: ErrorRecord,
  { attempt, maxAttempts }: Pick<Job, "attempt" | "maxAttempts">,
): ErrorRecord {
  return { ...error, name: `${error.name} (attempt ${attempt}/${maxAttempts})` };
}
