/**
 * One deadline per call of a plugin's function, with one timer for all: since every call has the same time, calls
 * expire in the order in which they began.
 * @module
 */

import { TimeoutError } from "../../runtime/errors.ts";
import { monotonic, setTimeout } from "../walls/capture.ts";

/** A call under way. */
export interface Deadline {
  readonly expiresAt: number;
  /** Null once the call is settled: what it holds must not live on in the queue. */
  expire: (() => void) | null;
}

/**
 * Replaces a settled call in the queue. While settled calls stayed there, most of what they had allocated survived
 * the next collections (measured).
 */
const SETTLED: Deadline = { expiresAt: 0, expire: null };
const queue: Deadline[] = [];
let first = 0;
/** When the running timer fires next; Infinity when none is running. */
let looksAt = Infinity;
let deadlineMs = 30_000;

/** How long a call may take; set when plugins are loaded, which ends the wait for calls of those before. */
export function setDeadlineMs(ms: number): void {
  deadlineMs = ms;
  queue.length = first = 0;
}

/** As given to {@linkcode setDeadlineMs}. */
export function getDeadlineMs(): number {
  return deadlineMs;
}

/** Calls `expire` unless that is taken back in time, by making it null. */
export function startDeadline(expire: () => void): Deadline {
  const deadline = { expiresAt: monotonic() + deadlineMs, expire };
  queue.push(deadline);
  arm();
  return deadline;
}

function arm(): void {
  while (first < queue.length && queue[first]!.expire === null) queue[first++] = SETTLED;
  if (first === queue.length) {
    queue.length = first = 0;
    return;
  }
  if (first > 1000) queue.splice(0, first), first = 0;
  const { expiresAt } = queue[first]!;
  if (expiresAt >= looksAt) return;
  looksAt = expiresAt;
  setTimeout(expireDue, Math.max(1, Math.ceil(expiresAt - monotonic())));
}

function expireDue(): void {
  looksAt = Infinity;
  const now = monotonic();
  while (first < queue.length && (queue[first]!.expire === null || queue[first]!.expiresAt <= now)) {
    const deadline = queue[first++]!;
    const { expire } = deadline;
    deadline.expire = null;
    expire?.();
  }
  arm();
}

/** `1 second`, `0.5 seconds`: the deadline in PostHog's words. */
export function deadlineInWords(): string {
  const seconds = deadlineMs / 1000;
  return `${seconds} second${seconds === 1 ? "" : "s"}`;
}

/** The error of a call whose promise did not settle. */
export function timeoutError(plugin: { name: string; pluginConfigId: number }, caller: string): TimeoutError {
  return new TimeoutError(
    `Script execution timed out after promise waited for ${deadlineInWords()} (${plugin.name}, name: ${caller}, ` +
      `pluginConfigId: ${plugin.pluginConfigId})`,
    caller,
  );
}
