/**
 * From what an SDK sent and what the server knows to the event that plugins see.
 * @module
 */

import type { PluginEvent } from "./event.ts";
import { normalizeEvent } from "./normalize_event.ts";

/** What the server knows about an event. It wins over fields of the same name in the SDK's JSON. */
export interface EventEnvelope {
  uuid: string;
  distinct_id: string;
  /** "" when unknown or anonymised. */
  ip: string | null;
  site_url: string | null;
  team_id: number;
  /** ISO 8601. */
  now: string;
  /** ISO 8601; absent: whatever the event says is dropped. */
  sent_at?: string | undefined;
}

/** An event as an SDK sent it, with a name. */
export type SentEvent = Record<string, unknown> & { event: string };

/** Turns the SDK's event into the plugins' event. Changes the object given: it was made by JSON.parse for this alone. */
export function formPluginEvent(data: SentEvent, envelope: EventEnvelope): PluginEvent {
  const event = Object.assign(data, envelope, {
    ip: envelope.ip || null,
    site_url: envelope.site_url || null,
  });
  if (!envelope.sent_at) delete event.sent_at;
  // normalizeEvent checks what the SDK's JSON may have wrong: properties, $set and $set_once.
  return normalizeEvent(event as PluginEvent);
}
