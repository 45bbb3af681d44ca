/**
 * Finishes an event after its last plugin, before it is stored in the outbox.
 * @module
 */

import { cutDistinctId } from "./distinct_id.ts";
import type { OutboxEvent, PluginEvent } from "./event.ts";
import { normalizeEvent, textOf } from "./normalize_event.ts";
import type { OriginalEvent } from "./original_event.ts";
import { resolveTimestamp } from "./timestamp.ts";

/** Longer event names are truncated. */
export const MAX_NAME_LENGTH = 200;

/** The plugins by what they made of the event, each as `<plugin name> (<config id>)`. */
export interface PluginMarks {
  succeeded: string[];
  failed: string[];
  deferred: string[];
}

/** What cannot be derived from the event itself. */
export interface FinishContext {
  teamId: number;
  anonymizeIps: boolean;
  /**
   * The event as it was before the first plugin. Used only if a plugin removed or changed something that is needed
   * here.
   */
  original: OriginalEvent;
}

/**
 * Normalises the event again, because properties that plugins added count as if the SDK had sent them; resolves its
 * time; and adds `$ip` and the plugins' marks. Changes the event and returns it. It must not be applied twice, because
 * the time would then be corrected twice.
 */
export function finishEvent(event: PluginEvent, marks: PluginMarks, context: FinishContext): OutboxEvent {
  restoreIdentity(event, context);
  const finished = normalizeEvent(event, context.original);
  const { properties } = finished;
  finished.event = finished.event.slice(0, MAX_NAME_LENGTH);
  finished.distinct_id = cutDistinctId(finished.distinct_id);
  if (context.anonymizeIps) {
    finished.ip = null;
    delete properties.$ip;
  } else if (finished.ip && properties.$ip === undefined) {
    properties.$ip = finished.ip;
  }
  if (marks.succeeded.length + marks.failed.length + marks.deferred.length > 0) {
    properties.$plugins_succeeded = marks.succeeded;
    properties.$plugins_failed = marks.failed;
    properties.$plugins_deferred = marks.deferred;
  }
  return Object.assign(finished, { timestamp: new Date(resolveTimestamp(finished)).toISOString() });
}

/**
 * A plugin may return a new object with few fields. The fields that identify the event are then restored from the
 * original.
 */
function restoreIdentity(event: PluginEvent, context: FinishContext): void {
  event.team_id = context.teamId;
  const fields: Partial<Record<"uuid" | "event" | "distinct_id" | "now", unknown>> = event;
  if (typeof fields.event !== "string") {
    event.event = fields.event === undefined || fields.event === null
      ? context.original.event.event
      : textOf(fields.event);
  }
  if (typeof fields.uuid !== "string" || fields.uuid === "") event.uuid = context.original.event.uuid;
  if (typeof fields.now !== "string") event.now = context.original.event.now;
  if (fields.distinct_id === undefined || fields.distinct_id === null || fields.distinct_id === "") {
    event.distinct_id = context.original.event.distinct_id;
  }
  // The original's address is not restored, because removing it may be the plugin's purpose.
  event.ip ??= null;
  event.site_url ??= null;
}
