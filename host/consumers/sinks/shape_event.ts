/**
 * Events of the outbox as onEvent, onSnapshot, exportEvents and composeWebhook receive them.
 * @module
 */

import type { OutboxEvent } from "../../../runtime/events/event.ts";
import { toProcessedEvent } from "../../../runtime/events/to_processed_event.ts";
import type { ConsumingFunction } from "./plugin_call.ts";

const decoder = new TextDecoder();

/** `event` is an OutboxEvent as JSON, bytes or text. */
export function readEvent(event: Uint8Array | string): OutboxEvent {
  return JSON.parse(typeof event === "string" ? event : decoder.decode(event));
}

/** The event as the function receives it, as JSON. */
export function shapeEvent(event: OutboxEvent, fn: ConsumingFunction): string {
  const processed = toProcessedEvent(event);
  if (fn !== "composeWebhook") return JSON.stringify(processed);
  const { uuid, team_id, distinct_id, event: name, timestamp, properties } = processed;
  return JSON.stringify({ uuid, team_id, distinct_id, event: name, timestamp, properties });
}
