/**
 * Finds what was not stored as an SDK sent it. The event is stored all the same, and the repair is listed among the
 * project's ingestion warnings, as in PostHog. The codes are PostHog's where it has one.
 * @module
 */

import { cutDistinctId } from "../../runtime/events/distinct_id.ts";
import { MAX_NAME_LENGTH } from "../../runtime/events/finish_event.ts";
import type { SentEvent } from "../../runtime/events/form_plugin_event.ts";
import { isInYears, parseTimestamp } from "../../runtime/events/timestamp.ts";

export interface Repair {
  code: "ignored_invalid_timestamp" | "event_timestamp_in_future" | "distinct_id_cut" | "event_name_cut";
  detail: string;
}

/** How far a client's clock may be ahead of the server: PostHog's bound, in milliseconds. */
const FUTURE_MS = 23 * 3600 * 1000;

/** `sentAt` and `now` in ISO 8601. The event itself is not changed. */
export function* findRepairs(event: SentEvent, sentAt: string | undefined, now: string): Generator<Repair> {
  const { timestamp, distinct_id: id } = event;
  const name = () => JSON.stringify(event.event.slice(0, MAX_NAME_LENGTH));
  if (timestamp !== undefined && timestamp !== null && timestamp !== "") {
    const received = Date.parse(now);
    const time = parseTimestamp(timestamp) + (sentAt === undefined ? 0 : received - Date.parse(sentAt));
    if (!isInYears(time)) {
      const found = JSON.stringify(timestamp).slice(0, 100);
      yield {
        code: "ignored_invalid_timestamp",
        detail:
          `The timestamp ${found} of ${name()} cannot be read as a time in the years 1 to 9999: the event has the time of its arrival`,
      };
    } else if (time > received + FUTURE_MS) {
      yield {
        code: "event_timestamp_in_future",
        detail: `${name()} says that it will happen at ${new Date(time).toISOString()}`,
      };
    }
  }
  if (typeof id === "string" && cutDistinctId(id) !== id) {
    yield { code: "distinct_id_cut", detail: `The distinct_id of ${name()} has ${id.length} characters: it was cut` };
  }
  if (event.event.length > MAX_NAME_LENGTH) {
    yield { code: "event_name_cut", detail: `The name ${name()} has ${event.event.length} characters: it was cut` };
  }
}
