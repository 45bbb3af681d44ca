/**
 * Projects, and the events that came out of their plugins.
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { ProjectConfig } from "../../config/config.ts";
import { CursorError, type EventLog, type Lag } from "../../log/event_log.ts";
import { invalidInput, notFound } from "../api_error.ts";
import type { ManagedApi } from "./managed/managed_api.ts";
import { type Route, route } from "../route.ts";
import { idIn, limitUpTo, listOf, pageIn, pageOf } from "../schemas.ts";

/** The most bytes of events in one page; a page holds at least one event. */
const MAX_PAGE_BYTES = 16 * 1024 * 1024;

/** How long a page that would be empty waits for events that are on their way. */
const MAX_WAIT_MS = 1_000;
const POLL_MS = 20;

const projectOut = z.object({
  id: z.number(),
  name: z.string(),
  token: z.string().describe("What SDKs send as api_key."),
  anonymize_ips: z.boolean(),
  isolation: z.enum(["each", "shared"]).describe("Whether neighbours of the chain share a process while they behave."),
  upstream: z.object({ host: z.string(), assets_host: z.string(), api_key: z.string().nullable() }).nullable()
    .describe("The PostHog behind it; its key, which is as public as the token, is null when it is the token."),
  managed_by: z.enum(["file", "api"]),
  version: z.number().nullable(),
  plugin_configs: z.array(z.number()).describe("Ids, in the order in which events pass them."),
  destinations: z.array(z.object({ id: z.string(), type: z.string(), enabled: z.boolean() })),
});

const eventOut = z.looseObject({
  uuid: z.string(),
  event: z.string(),
  distinct_id: z.string(),
  team_id: z.number(),
  timestamp: z.iso.datetime(),
  properties: z.record(z.string(), z.unknown()),
});

export interface ProjectRoutesOptions {
  projects: () => readonly ProjectConfig[];
  log: Pick<EventLog, "read">;
  /** How far the project's plugins are behind what came in. */
  routerLag(project: number): Promise<Lag>;
  managed: ManagedApi;
}

export function projectRoutes({ projects, log, routerLag, managed }: ProjectRoutesOptions): Route[] {
  return [
    route({
      method: "GET",
      path: "/_hogpen/api/projects",
      summary: "All projects of the configuration",
      query: pageIn(100),
      response: listOf(projectOut),
      handle({ query }) {
        const { results, next } = pageOf(projects(), query);
        const own = managed.things.current().projects;
        const show = (project: ProjectConfig) => showProject(project, own.get(project.id)?.version ?? null);
        return Promise.resolve({ results: results.map(show), next });
      },
    }),
    route({
      method: "GET",
      path: "/_hogpen/api/projects/{id}/events",
      summary: "Events after the last plugin, oldest first, as far back as the event log keeps them",
      params: { id: idIn },
      query: {
        after: z.string().default("").describe("`next` of the page before, or the header X-Cursor of the last page."),
        limit: limitUpTo(10_000, 50),
      },
      response: listOf(eventOut),
      errors: { 400: "`after` is not a cursor", 404: "No such project" },
      async handle({ params, query }) {
        if (!projects().some(({ id }) => id === params.id)) {
          throw notFound(`Cannot list events: there is no project ${params.id}`);
        }
        try {
          return await readPage({ log, routerLag }, params.id, query.after, query.limit);
        } catch (error) {
          if (error instanceof CursorError) throw invalidInput(error.message, "after");
          throw error;
        }
      },
    }),
  ];
}

function showProject(
  { id, name, token, anonymizeIps, isolation, upstream, plugins, destinations }: ProjectConfig,
  version: number | null,
): z.input<typeof projectOut> {
  return {
    id,
    name,
    token,
    anonymize_ips: anonymizeIps,
    isolation,
    upstream: upstream === undefined
      ? null
      : { host: upstream.host, assets_host: upstream.assetsHost, api_key: upstream.apiKey },
    managed_by: version === null ? "file" : "api",
    version,
    plugin_configs: plugins.toSorted((a, b) => a.order - b.order).map((plugin) => plugin.id),
    destinations: destinations.map((destination) => ({
      id: destination.id,
      type: destination.type,
      enabled: destination.enabled,
    })),
  };
}

/** Waits, for MAX_WAIT_MS at most, until what has come in has passed the plugins. */
async function awaitRouter(lag: () => Promise<Lag>): Promise<void> {
  const started = performance.now();
  while ((await lag()).events > 0 && performance.now() - started < MAX_WAIT_MS) await delay(POLL_MS);
}

/**
 * The events are sent as they are stored in the log. X-Cursor is the end of the page, from which to continue when there
 * is more.
 */
async function readPage(
  { log, routerLag }: Pick<ProjectRoutesOptions, "log" | "routerLag">,
  project: number,
  after: string,
  limit: number,
): Promise<Response> {
  const read = (from: string, maxEvents: number, maxBytes: number) =>
    log.read("outbox", project, from, { maxEvents, maxBytes });
  let records = await read(after, limit, MAX_PAGE_BYTES);
  if (records.length === 0) {
    // Who asks right after sending the first event wants to see it.
    await awaitRouter(() => routerLag(project));
    records = await read(after, limit, MAX_PAGE_BYTES);
  }
  const end = records.at(-1)?.cursor ?? after;
  const more = records.length > 0 && (await read(end, 1, 1)).length > 0;
  const decoder = new TextDecoder();
  const events = records.map((record) => decoder.decode(record.event)).join(",");
  return new Response(`{"results":[${events}],"next":${more ? JSON.stringify(end) : "null"}}`, {
    headers: { "content-type": "application/json", "x-cursor": end },
  });
}
