/**
 * Consumers of the outbox: their progress, pausing them, and replaying events.
 * @module
 */

import { z } from "zod";
import {
  type ConsumerControl,
  ConsumerControlError,
  type ConsumerStatus,
  type RewindTarget,
} from "../../consumers/consumer_status.ts";
import { CursorError } from "../../log/event_log.ts";
import { conflict, invalidInput, notFound } from "../api_error.ts";
import { type Route, route } from "../route.ts";
import { DONE, doneOut, idIn, listOf, pageIn, pageOf, timeIn, timeOut } from "../schemas.ts";

const consumerOut = z.object({
  id: z.string(),
  project: z.number(),
  state: z.enum(["starting", "running", "waiting", "paused", "stopped"]),
  cursor: z.string().describe("Everything up to here is delivered."),
  lag: z.object({ events: z.number(), seconds: z.number() }),
  delivered: z.number().describe("Events since the service started."),
  threw: z.number().describe("Events at which the plugin's function threw, since the service started."),
  rejected: z.number().describe("Events copied to the dead letters since the service started."),
  last_error: z.object({ at: timeOut, message: z.string() }).nullable(),
  paused_for: z.string().nullable().describe("Why it is paused; empty when an operator paused it."),
  next_attempt_at: timeOut.nullable(),
  replay: z.object({ fraction: z.number(), events_left: z.number() }).nullable()
    .describe("A rewind that is not yet caught up with."),
});

const rewindIn = z.object({
  cursor: z.string().optional(),
  time: z.union([timeIn, z.number().int()]).optional().describe("ISO 8601, or milliseconds since the epoch."),
});

const COUNTED = "On all hosts.";
const exactOut = z.boolean().describe(
  "False when there may be fewer: of what other hosts own, the offsets are counted.",
);
const params = { id: z.string() };
const errors = { 404: "No such consumer", 409: "This host delivers nothing" };

/** `elsewhere` says why this host has no consumers, when it delivers nothing. */
export function consumerRoutes(consumers: ConsumerControl, elsewhere: string | null): Route[] {
  async function steer<T>(action: () => Promise<T>): Promise<T> {
    if (elsewhere !== null) throw conflict(elsewhere);
    return await withApiErrors(action);
  }

  return [
    route({
      method: "GET",
      path: "/_hogpen/api/consumers",
      summary: "All consumers with their lag",
      query: { project: idIn.optional(), ...pageIn(100) },
      response: listOf(consumerOut),
      async handle({ query }) {
        const all = await consumers.list();
        const wanted = all.filter(({ project }) => query.project === undefined || project === query.project);
        const { results, next } = pageOf(wanted, query);
        return { results: results.map(showConsumer), next };
      },
    }),
    route({
      method: "GET",
      path: "/_hogpen/api/consumers/{id}",
      summary: "One consumer",
      params,
      response: consumerOut,
      errors: { 404: errors[404] },
      async handle({ params: { id } }) {
        const consumer = await consumers.get(id);
        if (!consumer) throw notFound(`There is no consumer ${id}`);
        return showConsumer(consumer);
      },
    }),
    ...(["pause", "resume"] as const).map((action) =>
      route({
        method: "POST",
        path: `/_hogpen/api/consumers/{id}/${action}`,
        summary: action === "pause" ? "Pauses a consumer, also over restarts" : "Lets a paused consumer go on",
        params,
        response: doneOut,
        errors,
        async handle({ params: { id } }) {
          await steer(() => consumers[action](id));
          return DONE;
        },
      })
    ),
    route({
      method: "POST",
      path: "/_hogpen/api/consumers/{id}/estimate",
      summary: "How many events a rewind would deliver",
      params,
      body: rewindIn,
      response: z.object({ events: z.number().describe(COUNTED), exact: exactOut }),
      errors: { 400: "Neither or both of cursor and time, or not a place in the log", ...errors },
      audit: "none",
      async handle({ params: { id }, body }) {
        return await steer(() => consumers.estimate(id, targetOf(id, body)));
      },
    }),
    route({
      method: "POST",
      path: "/_hogpen/api/consumers/{id}/cancel_replay",
      summary: "Ends a rewind: goes on where it would have ended",
      params,
      response: doneOut,
      errors: { ...errors, 409: "It delivers nothing anew" },
      async handle({ params: { id } }) {
        await steer(() => consumers.cancelReplay(id));
        return DONE;
      },
    }),
    route({
      method: "POST",
      path: "/_hogpen/api/consumers/{id}/skip",
      summary: "Leaves out everything that is not delivered yet",
      params,
      response: z.object({ skipped: z.number().describe(COUNTED), exact: exactOut }),
      errors,
      async handle({ params: { id } }) {
        const { events, exact } = await steer(() => consumers.skip(id));
        return { skipped: events, exact };
      },
    }),
    route({
      method: "POST",
      path: "/_hogpen/api/consumers/{id}/rewind",
      summary: "Delivers again, to this consumer alone, everything from an earlier cursor or time on",
      params,
      body: rewindIn,
      response: doneOut,
      errors: { 400: "Neither or both of cursor and time, or not a place in the log", ...errors },
      async handle({ params: { id }, body }) {
        await steer(() => consumers.rewind(id, targetOf(id, body)));
        return DONE;
      },
    }),
  ];
}

function targetOf(id: string, { cursor, time }: z.output<typeof rewindIn>): RewindTarget {
  if (cursor === undefined && time !== undefined) return { time };
  if (cursor !== undefined && time === undefined) return { cursor };
  throw invalidInput(`Cannot rewind ${id}: expected either a cursor or a time`);
}

async function withApiErrors<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof CursorError) throw invalidInput(error.message, "cursor");
    if (!(error instanceof ConsumerControlError)) throw error;
    switch (error.reason) {
      case "unknown":
        throw notFound(error.message);
      case "conflict":
        throw conflict(error.message);
      case "invalid":
        throw invalidInput(error.message);
    }
  }
}

function showConsumer(status: ConsumerStatus): z.input<typeof consumerOut> {
  return {
    id: status.id,
    project: status.project,
    state: status.state,
    cursor: status.cursor,
    lag: status.lag,
    delivered: status.delivered,
    threw: status.threw,
    rejected: status.rejected,
    last_error: status.lastError,
    paused_for: status.pausedFor,
    next_attempt_at: status.nextAttemptAt,
    replay: status.replay && { fraction: status.replay.fraction, events_left: status.replay.eventsLeft },
  };
}
