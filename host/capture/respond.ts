/**
 * Answers in the forms that SDKs expect: exactly 200 with a JSON body for stored events, and errors with type, code and
 * detail.
 * @module
 */

import type { DroppedEvent } from "./inbox_records.ts";
import { LogFullError } from "../log/event_log.ts";
import { reportTrouble } from "../trouble.ts";
import { CaptureError, unavailable } from "./capture_error.ts";

/** Seconds after which a client should try again when events cannot be stored. */
const RETRY_AFTER_SECONDS = 10;

/** How many dropped events an answer lists. */
const MAX_NAMED = 100;

/**
 * The answer for a stored request. posthog-js treats anything but 200 as a failure; PostHog's own servers answered 1 or
 * "Ok". SDKs ignore the rest of the body, which tells people why an event is missing.
 */
export function ok(dropped: DroppedEvent[] = []): Response {
  if (dropped.length === 0) return new Response('{"status":1}', { headers: { "content-type": "application/json" } });
  return Response.json({ status: 1, dropped_events: dropped.length, dropped: dropped.slice(0, MAX_NAMED) });
}

/** The answer to a request that was refused or failed, and of which nothing was stored. */
export function refuse(error: unknown): Response {
  const known = asCaptureError(error);
  const body = { type: known.type, code: known.code, detail: known.message, attr: null };
  const headers: Record<string, string> = known.retryAfterSeconds === undefined
    ? {}
    : { "retry-after": String(known.retryAfterSeconds) };
  return Response.json(body, { status: known.status, headers });
}

/** Turns any unexpected error into one upon which the client keeps its events and tries again. */
export function asCaptureError(error: unknown): CaptureError {
  if (error instanceof CaptureError) return error;
  if (error instanceof LogFullError) {
    return unavailable(
      `${error.message}. Events are accepted again when destinations have caught up`,
      RETRY_AFTER_SECONDS,
    );
  }
  complain(error);
  return unavailable("Cannot store events: the event log did not take them. Try again", RETRY_AFTER_SECONDS);
}

/** How often the operator is told: every request may fail for the same reason. */
const COMPLAIN_EVERY_MS = 10_000;
let complainedAt = -Infinity;

function complain(error: unknown): void {
  const now = performance.now();
  if (now - complainedAt < COMPLAIN_EVERY_MS) return;
  complainedAt = now;
  reportTrouble("A request was answered with 503", error);
}
