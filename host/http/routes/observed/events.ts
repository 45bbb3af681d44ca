/**
 * Events, newest first: what came out of the plugins, what was dropped, and the traces of single events.
 * @module
 */

import { z } from "zod";
import type { ProjectConfig } from "../../../config/config.ts";
import { CursorError, type EventLog } from "../../../log/event_log.ts";
import type { Sighting, Sightings } from "../../../store/observed.ts";
import { type EventQuery, findEvents, type FoundEvent } from "../../events/find_events.ts";
import { invalidInput, notFound } from "../../api_error.ts";
import { type Route, route } from "../../route.ts";
import { idIn, limitUpTo, listOf, timeIn, timeOut } from "../../schemas.ts";

/** A page with payloads ends at this many bytes. */
const MAX_PAYLOAD_BYTES = 90 * 1024;

const eventOut = z.object({
  cursor: z.string().describe("Its place in the log; GET /events/{cursor} has all of it."),
  uuid: z.string(),
  event: z.string(),
  distinct_id: z.string(),
  timestamp: z.string(),
  taken_at: timeOut.describe("When the log took it."),
  bytes: z.number(),
  succeeded: z.array(z.string()).describe("Plugins that it passed."),
  failed: z.array(z.string()),
  payload: z.unknown().describe("The event itself; null unless asked for, or when it is large."),
});

const sightingOut = z.object({
  id: z.string(),
  team_id: z.number(),
  plugin_config_id: z.number().nullable().describe("Who dropped it; null for a trace."),
  uuid: z.string(),
  event: z.string(),
  distinct_id: z.string(),
  at: timeOut,
  bytes: z.number(),
  payload: z.unknown().describe("The event as it came in, or the trace; null unless asked for, or when it is large."),
});

const payloadIn = z.stringbool().default(false).describe("Whether to send the events themselves along.");
const next = z.string().optional().describe("`next` of the page before.");
const filters = {
  event: z.string().optional().describe("Its name."),
  distinct_id: z.string().optional(),
  uuid: z.string().optional(),
  before: timeIn.optional().describe("Exclusive."),
  after: timeIn.optional().describe("Exclusive."),
};
const topicIn = z.enum(["outbox", "inbox"]).default("outbox").describe(
  "`outbox`: what came out of the plugins. `inbox`: what has not passed them yet.",
);

export interface EventRoutesOptions {
  projects: () => readonly ProjectConfig[];
  log: Pick<EventLog, "readBack" | "cursorAt">;
  sightings: Pick<Sightings, "list" | "get">;
}

export function eventRoutes({ projects, log, sightings }: EventRoutesOptions): Route[] {
  function check(project: number): void {
    if (!projects().some(({ id }) => id === project)) throw notFound(`There is no project ${project}`);
  }

  return [
    route({
      method: "GET",
      path: "/_hogpen/api/events",
      summary: "Events newest first; a search that takes long ends early, to go on with `next`",
      query: {
        team_id: idIn,
        topic: topicIn,
        ...filters,
        property: z.string().optional().describe("`key=value` with `&` between several; values as text or JSON."),
        payload: payloadIn,
        limit: limitUpTo(200, 50),
        next,
      },
      response: listOf(eventOut).extend({
        searched: z.number().describe("Events that were looked at for this page."),
        searched_to: timeOut.nullable().describe("How far back."),
      }),
      errors: { 400: "`next` is not of an earlier page", 404: "No such project" },
      async handle({ query }) {
        check(query.team_id);
        const question: EventQuery = {
          topic: query.topic,
          project: query.team_id,
          properties: readProperties(query.property),
          limit: query.limit,
          next: query.next || null,
          ...(query.event !== undefined && { name: query.event }),
          ...(query.distinct_id !== undefined && { distinctId: query.distinct_id }),
          ...(query.uuid !== undefined && { uuid: query.uuid }),
          ...(query.before !== undefined && { before: query.before }),
          ...(query.after !== undefined && { after: query.after }),
        };
        const { events, next, searched, searchedTo } = await refuseCursors(() => findEvents(log, question));
        const room = { bytes: query.payload ? MAX_PAYLOAD_BYTES : 0 };
        return {
          results: events.map((found) => showEvent(found, room)),
          next,
          searched,
          searched_to: searchedTo,
        };
      },
    }),
    route({
      method: "GET",
      path: "/_hogpen/api/events/{cursor}",
      summary: "One event with all of it",
      params: { cursor: z.string() },
      query: { team_id: idIn, topic: topicIn },
      response: eventOut,
      errors: { 400: "Not a cursor", 404: "No such project or event" },
      async handle({ params: { cursor }, query }) {
        check(query.team_id);
        const limits = { maxEvents: 1, maxBytes: 1 };
        const page = await refuseCursors(() => log.readBack(query.topic, query.team_id, cursor, limits));
        const [record] = page.records;
        if (record?.cursor !== cursor) throw notFound(`There is no event ${cursor} any more`);
        const event = JSON.parse(new TextDecoder().decode(record.event)) as Record<string, unknown>;
        return showEvent({ record, event }, { bytes: Infinity });
      },
    }),
    ...([["dropped", "/_hogpen/api/dropped_events"], ["trace", "/_hogpen/api/traced_events"]] as const).flatMap((
      [kind, path],
    ) => [
      route({
        method: "GET",
        path,
        summary: kind === "dropped"
          ? "Events that plugins dropped, newest first: a sample of them, 24 h back"
          : "Ways of events that were traced, newest first",
        query: {
          team_id: idIn.optional(),
          plugin_config_id: idIn.optional(),
          ...filters,
          payload: payloadIn,
          limit: limitUpTo(200, 50),
          next,
        },
        response: listOf(sightingOut),
        async handle({ query }) {
          const page = await sightings.list({
            kind,
            limit: query.limit,
            ...(query.team_id !== undefined && { teamId: query.team_id }),
            ...(query.plugin_config_id !== undefined && { pluginConfigId: query.plugin_config_id }),
            ...(query.event !== undefined && { name: query.event }),
            ...(query.distinct_id !== undefined && { distinctId: query.distinct_id }),
            ...(query.uuid !== undefined && { uuid: query.uuid }),
            ...(query.before !== undefined && { before: query.before }),
            ...(query.after !== undefined && { after: query.after }),
            ...(query.next && { next: query.next }),
          });
          const room = { bytes: query.payload ? MAX_PAYLOAD_BYTES : 0 };
          return { results: page.results.map((sighting) => showSighting(sighting, room)), next: page.next };
        },
      }),
      route({
        method: "GET",
        path: `${path}/{id}`,
        summary: kind === "dropped" ? "One dropped event" : "What each plugin made of one event",
        params: { id: z.string() },
        response: sightingOut,
        errors: { 404: "No such event" },
        async handle({ params: { id } }) {
          const sighting = await sightings.get(id);
          if (sighting?.kind !== kind) throw notFound(`There is no such event ${id}`);
          return showSighting(sighting, { bytes: Infinity });
        },
      }),
    ]),
  ];
}

/** `room` is how much may still be sent, and shrinks with each event. */
function showEvent({ record, event }: FoundEvent, room: { bytes: number }): z.input<typeof eventOut> {
  const bytes = record.event.byteLength;
  room.bytes -= bytes;
  const text = (value: unknown) => typeof value === "string" ? value : JSON.stringify(value ?? "");
  const properties = (event["properties"] ?? {}) as Record<string, unknown>;
  return {
    cursor: record.cursor,
    uuid: text(event["uuid"]),
    event: text(event["event"]),
    distinct_id: record.key,
    timestamp: text(event["timestamp"]),
    taken_at: record.at,
    bytes,
    succeeded: marksIn(properties["$plugins_succeeded"]),
    failed: marksIn(properties["$plugins_failed"]),
    payload: room.bytes >= 0 ? event : null,
  };
}

function marksIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((mark) => typeof mark === "string") : [];
}

function showSighting(sighting: Sighting, room: { bytes: number }): z.input<typeof sightingOut> {
  room.bytes -= sighting.body.length;
  return {
    id: sighting.id,
    team_id: sighting.teamId,
    plugin_config_id: sighting.pluginConfigId === 0 ? null : sighting.pluginConfigId,
    uuid: sighting.uuid,
    event: sighting.name,
    distinct_id: sighting.distinctId,
    at: sighting.at,
    bytes: sighting.body.length,
    payload: room.bytes >= 0 ? JSON.parse(sighting.body) : null,
  };
}

function readProperties(text: string | undefined): EventQuery["properties"] {
  return text === undefined ? [] : Array.from(new URLSearchParams(text), ([key, value]) => ({ key, value }));
}

async function refuseCursors<T>(search: () => Promise<T>): Promise<T> {
  try {
    return await search();
  } catch (error) {
    if (error instanceof CursorError) throw invalidInput(error.message, "next");
    throw error;
  }
}
