/**
 * Tries plugins on events without a lasting effect.
 * @module
 */

import { z } from "zod";
import { formPluginEvent } from "../../../../runtime/events/form_plugin_event.ts";
import { isRecord } from "../../../../runtime/is_record.ts";
import type { PluginConfig, ProjectConfig } from "../../../config/config.ts";
import type { DryRun } from "../../../dry_run/dry_run.ts";
import type { EventLog } from "../../../log/event_log.ts";
import type { Sightings } from "../../../store/observed.ts";
import { ApiError, invalidInput, notFound } from "../../api_error.ts";
import { SECRET_PLACEHOLDER } from "../../access/hide_secrets.ts";
import { findEvents } from "../../events/find_events.ts";
import { type Route, route } from "../../route.ts";
import { timeIn } from "../../schemas.ts";

const record = z.record(z.string(), z.unknown());

/** What intake guarantees before any plugin sees an event. */
const eventIn = z.looseObject({
  uuid: z.string().optional(),
  event: z.string().optional(),
  distinct_id: z.string().optional(),
  ip: z.string().nullable().optional(),
  site_url: z.string().nullable().optional(),
  now: z.string().optional(),
  sent_at: z.string().optional(),
  properties: record.optional(),
});

const ruleIn = z.object({
  url: z.string().optional(),
  prefix: z.string().optional().describe("Fits every URL that begins so."),
  method: z.string().optional(),
  times: z.int().min(1).optional().describe("How often it answers."),
  status: z.int().min(200).max(599).optional(),
  headers: z.record(z.string(), z.string()).optional(),
  json: z.unknown().optional(),
  body: z.string().optional(),
  network_error: z.string().optional(),
});

const dryRunIn = z.object({
  plugin_config_id: z.int().optional().describe("The plugin config to try; absent with `team_id`: the whole chain."),
  team_id: z.int().optional(),
  chain: z.boolean().default(false).describe("Whether the plugins before it run first."),
  source: z.object({ inline: z.string().min(1).max(500_000), name: z.string().optional() }).optional()
    .describe("Code to try instead of the plugin's own; without plugin_config_id, as a new plugin."),
  config: record.optional().describe("Values to try instead; a secret's placeholder keeps what is set."),
  events: z.array(eventIn).max(20).default([]).describe("What is left out of an event has a default."),
  uuids: z.array(z.string()).max(20).default([]).describe("Events of the project that lie in the log or were dropped."),
  fetch: z.union([z.literal("real"), z.array(ruleIn).max(100)]).default([])
    .describe("`real`: requests leave. Else the first rule that fits answers, and what none fits fails."),
  clock: timeIn.optional().describe("What the plugin's clock shows; only when rules answer its requests."),
});

const errorOut = z.object({ name: z.string(), message: z.string(), stack: z.string().optional() }).nullable();
const callOut = z.object({ operation: z.string(), key: z.string(), value: z.unknown() });
const stepOut = z.object({
  function: z.string(),
  event: z.number().nullable().describe("Position among the events; null for setupPlugin."),
  before: z.unknown(),
  after: z.unknown().describe("Null: dropped, or not a function that returns an event."),
  diff: z.array(z.object({ path: z.string(), before: z.unknown().optional(), after: z.unknown().optional() })),
  outcome: z.enum(["ok", "dropped", "failed", "retry", "skipped"]),
  error: errorOut,
  ms: z.number(),
  logs: z.array(z.object({ source: z.string(), type: z.string(), message: z.string() })),
  storage: z.array(callOut),
  cache: z.array(callOut),
  fetches: z.array(
    z.object({
      method: z.string(),
      url: z.string(),
      headers: z.array(z.array(z.string())),
      body: z.string().nullable(),
    }),
  ).describe(
    "What the plugin asked for with fetch, redirects too. What packages send over sockets of their own is not listed.",
  ),
  captures: z.array(z.object({ event: z.string(), properties: z.unknown() })),
  jobs: z.array(z.object({ job: z.string(), payload: z.unknown(), run_at: z.string() })),
  left_out: z.number().describe("What is not listed: a dry run keeps 10,000 notes of 10 million characters in all."),
});

const dryRunOut = z.object({
  plugins: z.array(
    z.object({ plugin_config_id: z.number(), name: z.string(), error: errorOut, steps: z.array(stepOut) }),
  ),
  events: z.array(z.object({
    after: z.unknown().describe("As it would be stored and delivered; null when it would be dropped."),
    dropped_by: z.number().nullable().describe("The plugin config that would drop it."),
  })),
});

export interface DryRunRequest {
  plugins: PluginConfig[];
  events: Record<string, unknown>[];
  teamId: number;
  anonymizeIps: boolean;
  fetch: "real" | z.infer<typeof ruleIn>[];
  now: number | null;
}

export interface DryRunRoutesOptions {
  projects: () => readonly ProjectConfig[];
  log: Pick<EventLog, "readBack" | "cursorAt">;
  sightings: Pick<Sightings, "list">;
  dryRun(request: DryRunRequest): Promise<DryRun>;
  now: () => number;
}

/** Each dry run starts cells of its own. */
const MOST_AT_ONCE = 2;
/** The defaults for a plugin that is not configured yet. */
const NEW_PLUGIN = { enabled: true, order: 0, attachments: {}, timeoutSeconds: 30, memoryMb: 256, cell: null };

export function dryRunRoutes(options: DryRunRoutesOptions): Route[] {
  let running = 0;

  function find(body: z.infer<typeof dryRunIn>): { project: ProjectConfig; plugins: PluginConfig[] } {
    const { plugin_config_id: id, team_id: teamId, chain, source, config } = body;
    const project = options.projects().find((project) =>
      id === undefined ? project.id === teamId : project.plugins.some((plugin) => plugin.id === id)
    );
    if (project === undefined) {
      throw id === undefined ? notFound(`There is no project ${teamId}`) : notFound(`There is no plugin config ${id}`);
    }
    const enabled = project.plugins.filter(({ enabled }) => enabled).toSorted((a, b) => a.order - b.order);
    const tried = id === undefined ? undefined : project.plugins.find((plugin) => plugin.id === id);
    if (tried === undefined && source === undefined) return { project, plugins: enabled };
    const base = tried ?? { ...NEW_PLUGIN, id: 0, teamId: project.id, egress: { allow: [] }, config: {} };
    const changed: PluginConfig = {
      ...base,
      source: source
        ? { inline: source.inline, ...(source.name !== undefined && { name: source.name }) }
        : tried?.source ?? "",
      config: config ? keepSecrets(config, base.config) : base.config,
    };
    const before = tried === undefined ? enabled : enabled.filter((plugin) => precedes(plugin, tried));
    return { project, plugins: chain ? [...before, changed] : [changed] };
  }

  async function findByUuid(project: number, uuid: string): Promise<Record<string, unknown>> {
    const [dropped] = (await options.sightings.list({ kind: "dropped", teamId: project, uuid, limit: 1 })).results;
    if (dropped !== undefined) return JSON.parse(dropped.body);
    const [traced] = (await options.sightings.list({ kind: "trace", teamId: project, uuid, limit: 1 })).results;
    if (traced !== undefined) return JSON.parse(traced.body).event;
    for (let next: string | null = null, turns = 0; turns < 40; turns++) {
      const page = await findEvents(options.log, { topic: "outbox", project, uuid, properties: [], limit: 1, next });
      const [found] = page.events;
      if (found !== undefined) {
        // The event's time is already corrected, and would be corrected again.
        const { sent_at: _, offset: __, ...event } = found.event;
        return event;
      }
      if (page.next === null) break;
      next = page.next;
    }
    throw notFound(`There is no event ${uuid} of project ${project} in the log, or it lies too far back`);
  }

  return [
    route({
      method: "POST",
      path: "/_hogpen/api/dry_run",
      summary:
        "Runs events through one plugin or a chain in cells of their own; storage and cache are copies, nothing stays",
      body: dryRunIn,
      response: dryRunOut,
      errors: { 400: "No event", 404: "No such plugin config, project or event", 503: "Others run already" },
      audit: "none",
      async handle({ body }) {
        const { project, plugins } = find(body);
        const stored = await Promise.all(body.uuids.map((uuid) => findByUuid(project.id, uuid)));
        const events = [...stored, ...body.events.map((event) => taken(event, project, options.now()))];
        if (events.length === 0) throw invalidInput("Cannot run nothing: expected `events` or `uuids`", "events");
        if (running >= MOST_AT_ONCE) {
          throw new ApiError(503, "server_error", "busy", `${MOST_AT_ONCE} dry runs are under way: try again soon`);
        }
        running++;
        try {
          const { id: teamId, anonymizeIps } = project;
          const now = body.clock ?? null;
          return await options.dryRun({ plugins, events, teamId, anonymizeIps, fetch: body.fetch, now });
        } finally {
          running--;
        }
      },
    }),
  ];
}

/** The event as intake would pass it on if an SDK sent it now. */
function taken(event: z.infer<typeof eventIn>, project: ProjectConfig, at: number): Record<string, unknown> {
  const now = new Date(at).toISOString();
  const { ip = "127.0.0.1" } = event;
  return formPluginEvent({ timestamp: now, properties: {}, ...event, event: event.event ?? "test event" }, {
    uuid: event.uuid ?? crypto.randomUUID(),
    distinct_id: event.distinct_id ?? "user-1",
    ip: project.anonymizeIps ? null : ip,
    site_url: event.site_url ?? null,
    team_id: project.id,
    now: event.now ?? now,
    sent_at: event.sent_at,
  });
}

/** A page with a form does not know the secrets, and sends back their placeholders. */
export function keepSecrets(given: Record<string, unknown>, kept: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(given).map(([key, value]) => {
      const own = kept[key];
      if (value === SECRET_PLACEHOLDER) return [key, own];
      return [key, isRecord(value) && isRecord(own) ? keepSecrets(value, own) : value];
    }).filter(([, value]) => value !== undefined),
  );
}

function precedes(one: PluginConfig, other: PluginConfig): boolean {
  return one.id !== other.id && one.order <= other.order;
}
