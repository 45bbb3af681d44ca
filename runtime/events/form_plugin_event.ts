/**
 * Makes the event that plugins see out of what an SDK sent and what the server knows.
 * @module
 */

import type { PluginEvent } from "./event.ts";
import { normalizeEvent } from "./normalize_event.ts";

/** What the server knows about an event. It takes precedence over fields of the same name that the SDK sent. */
export interface EventEnvelope {
  uuid: string;
  distinct_id: string;
  /** "" if it is unknown or anonymised. */
  ip: string | null;
  site_url: string | null;
  team_id: number;
  /** ISO 8601. */
  now: string;
  /** ISO 8601. If absent, the event's own `sent_at` is dropped as well. */
  sent_at?: string | undefined;
}

/** An event as an SDK sent it; it has a name. */
export type SentEvent = Record<string, unknown> & { event: string };

/**
 * Turns the SDK's event into the plugins' event. Changes the given object, which JSON.parse created for this purpose.
 */
export function formPluginEvent(data: SentEvent, envelope: EventEnvelope): PluginEvent {
  const event = Object.assign(data, envelope, {
    ip: envelope.ip || null,
    site_url: envelope.site_url || null,
  });
  if (!envelope.sent_at) delete event.sent_at;
  // normalizeEvent corrects what may be wrong in the SDK's JSON: properties, $set and $set_once.
  return normalizeEvent(event as PluginEvent);
}
