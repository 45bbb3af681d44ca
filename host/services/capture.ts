/**
 * The host's side of `posthog.capture`. The event enters the inbox and passes the whole pipeline like any other,
 * including the plugin that captured it. Its record counts the captures that led to it, and a chain that grows too long
 * is cut.
 * @module
 */

import { z } from "zod";
import { isRecord } from "../../runtime/is_record.ts";
import type { PluginEvent } from "../../runtime/events/event.ts";
import { isNestedTooDeeply, MAX_NESTING } from "../../runtime/nesting.ts";
import type { EventLog } from "../log/event_log.ts";
import { checkArguments, text } from "./check_arguments.ts";
import { ServiceLimitError } from "./limits/flood_guard.ts";
import { createTokenBucket } from "../token_bucket.ts";
import type { PluginIdentity } from "./plugin_identity.ts";
import type { ServiceLimits } from "./limits/service_limits.ts";
import { requestId } from "./request_id.ts";
import type { Cause, PluginServices } from "./services.ts";

const MAX_DISTINCT_ID = 200;
const encoder = new TextEncoder();

export interface CaptureOptions {
  log: Pick<EventLog, "append">;
  identity: PluginIdentity;
  limits: ServiceLimits;
  now: () => number;
  uuid: () => string;
  /** The version of the service, for `$lib_version`. */
  version: string;
  /** Called for each refused capture, with the bound that applied. */
  onRefused: (bound: string, message: string) => void;
}

export function createCaptureServices(
  { log, identity, limits, now, uuid, version, onRefused }: CaptureOptions,
): Pick<PluginServices, "posthog.capture"> {
  const schema = z.tuple([
    text("the event's name", limits.eventNameChars).min(1, "expected the event's name"),
    z.custom<Record<string, unknown>>(isRecord, "expected the properties to be an object"),
  ]);

  // One event may start a loop whose captures are attributed to no event. They form no growing chain, so they are
  // limited by a budget.
  const budgets = {
    other: budget("captures without a cause", limits.capturesWithoutCause, "outside of any event, job or task"),
    runs: budget("captures of jobs and tasks", limits.capturesOfRuns, "in jobs and scheduled tasks"),
  };

  function budget(bound: string, perHour: number, where: string) {
    return { bound, perHour, where, left: createTokenBucket(perHour / 3600, perHour, now) };
  }

  function spend(name: string, kind: Cause["kind"]): void {
    if (kind === "event") return;
    const { bound, perHour, where, left } = kind === "other" ? budgets.other : budgets.runs;
    if (perHour === 0 || left.waitFor(1) > 0) {
      throw refuse(
        bound,
        `Cannot capture ${JSON.stringify(name)}: this plugin captures more than ${perHour} events an hour ${where}`,
      );
    }
    left.take(1);
  }

  function refuse(bound: string, message: string): ServiceLimitError {
    onRefused(bound, message);
    return new ServiceLimitError(message);
  }

  function count(name: string, cause: Cause): void {
    if (cause.depth >= limits.captureDepth) {
      throw refuse(
        "capture depth",
        `Cannot capture ${JSON.stringify(name)}: it would be capture number ${
          cause.depth + 1
        } in a chain of events that plugins ` +
          `captured because of each other, at most ${limits.captureDepth} are let through`,
      );
    }
    // Tasks, and jobs without a captured event behind them, import whole files of events. They are limited by a budget
    // instead.
    const most = mostOf(limits.capturesPerEvent, cause.depth);
    if ((cause.kind === "event" || cause.kind === "job" && cause.depth > 0) && cause.captured >= most) {
      const what = cause.depth === 0 ? "one event" : `one event that is capture number ${cause.depth} of a chain`;
      throw refuse(
        "captures per event",
        `Cannot capture ${JSON.stringify(name)}: this plugin captured ${most} events because of ${what}`,
      );
    }
    spend(name, cause.kind);
    cause.captured++;
  }

  return {
    async "posthog.capture"(args, cause) {
      const [name, given] = checkArguments("posthog.capture", schema, args);
      count(name, cause);
      const { pluginConfigId } = identity;
      // An event that is captured again because its step is done again keeps its uuid, by which receivers know it.
      const id = requestId(cause, ["capture", pluginConfigId, name, given]) ?? uuid();
      const event = formEvent(name, given, identity, version, now(), id);
      const json = JSON.stringify(event);
      if (isNestedTooDeeply(json)) {
        throw new RangeError(
          `Cannot capture ${JSON.stringify(name)}: it is nested more than ${MAX_NESTING} levels deep`,
        );
      }
      const encoded = encoder.encode(json);
      if (encoded.byteLength > limits.eventChars) {
        throw new RangeError(
          `Cannot capture ${
            JSON.stringify(name)
          }: the event has ${encoded.byteLength} bytes, at most ${limits.eventChars} are taken`,
        );
      }
      await log.append("inbox", identity.teamId, [{ key: event.distinct_id, event: encoded, depth: cause.depth + 1 }]);
    },
  };
}

/**
 * How many events one event of this depth may cause: a tenth for each capture behind it. A chain of single captures
 * goes on, but one event of an SDK leads to a few thousand at most, where 100 at each of five depths would be 100⁵.
 */
function mostOf(capturesPerEvent: number, depth: number): number {
  return Math.ceil(capturesPerEvent / 10 ** depth);
}

/** Forms the event as PostHog's plugin server did. */
function formEvent(
  event: string,
  given: Record<string, unknown>,
  { pluginName, pluginConfigId, teamId }: PluginIdentity,
  version: string,
  now: number,
  uuid: string,
): PluginEvent {
  const { timestamp: givenTimestamp, distinct_id: givenDistinctId, ...rest } = given;
  const receivedAt = new Date(now).toISOString();
  const timestamp = readTimestamp(givenTimestamp) ?? receivedAt;
  // The server's clock stands in for the client's. With `now` and `sent_at` at the event's own time, the timestamp is
  // kept as given.
  const clock = Number.isNaN(Date.parse(timestamp)) ? receivedAt : timestamp;
  const id = givenDistinctId ?? "";
  const text = typeof id === "string" ? id : JSON.stringify(id);
  const distinctId = (text || pluginName || `plugin-id-${pluginConfigId}`).slice(0, MAX_DISTINCT_ID);
  return {
    uuid,
    event,
    distinct_id: distinctId,
    team_id: teamId,
    properties: { $lib: "posthog-plugin-server", $lib_version: version, distinct_id: distinctId, ...rest },
    ip: null,
    site_url: null,
    timestamp,
    now: clock,
    sent_at: clock,
  };
}

/** The timestamp as given, in any spelling; a number is read as milliseconds. */
function readTimestamp(given: unknown): string | null {
  if (typeof given === "string" && given !== "") return given;
  const date = new Date(typeof given === "number" ? given : NaN);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
