/**
 * Plugin configs: their settings, their state, and enabling one again.
 * @module
 */

import { z } from "zod";
import { METHODS } from "../../../runtime/capabilities.ts";
import { PluginState, type PluginStatus } from "../../cells/plugin_runtime.ts";
import type { PluginConfig } from "../../config/config.ts";
import type { Manifest } from "../../loader/plugin.ts";
import { conflict, notFound } from "../api_error.ts";
import { describePlugin } from "../describe_plugin.ts";
import { maskAttachments, maskConfig, secretKeys, showSource } from "../mask_config.ts";
import { type Route, route } from "../route.ts";
import { DONE, doneOut, errorRecordOut, idIn, listOf, pageIn, pageOf, showErrorRecord, timeOut } from "../schemas.ts";

/** A plugin config of the configuration, and its current state. */
export interface PluginView {
  config: PluginConfig;
  /** Null while its source could not be read. */
  manifest: Manifest | null;
  status: PluginStatus;
  /** The version of the thing in the store; null when the plugin config is in the file. */
  version: number | null;
  /** Why it has a process of its own though its project shares them; null when that is not so. */
  apart: string | null;
}

/** All plugin configs, including those that are switched off. */
export interface Plugins {
  list(): PluginView[];
  /** Enables a plugin that the service disabled. Resolves when the start was requested. */
  enable(pluginConfigId: number): Promise<void>;
  /** Lets a plugin share a process again that misbehaved in one. */
  share(pluginConfigId: number): Promise<void>;
}

export const pluginConfigOut = z.object({
  id: z.number(),
  team_id: z.number(),
  name: z.string(),
  description: z.string(),
  does: z.array(z.string()).describe("What the plugin does, in plain words; empty until it was loaded."),
  source: z.string(),
  enabled: z.boolean().describe("As the configuration says."),
  managed_by: z.enum(["file", "api"]).describe("What stands in the file can be changed there alone."),
  version: z.number().nullable().describe("Of what the API manages; what ETag says."),
  secrets_set: z.array(z.string()).describe("Keys of the configuration whose values are set but not shown."),
  order: z.number(),
  state: z.enum(PluginState),
  reason: z.string().nullable().describe("Why it is disabled or restarting."),
  apart: z.string().nullable().describe(
    "Why it has a process of its own for a day, though its project shares them; null when that is not so.",
  ),
  capabilities: z.object({
    methods: z.array(z.enum(METHODS)),
    scheduled_tasks: z.array(z.string()),
    jobs: z.array(z.string()),
  }).nullable(),
  config: z.record(z.string(), z.unknown()).describe("Secret values are replaced by a placeholder."),
  attachments: z.record(
    z.string(),
    z.object({ file_name: z.string(), content_type: z.string(), size: z.number() }),
  ),
  config_schema: z.array(z.record(z.string(), z.unknown())).describe("`config` of plugin.json."),
  public_jobs: z.record(z.string(), z.unknown()).describe("`publicJobs` of plugin.json."),
  schedule: z.record(z.string(), z.string()).describe("`schedule` of plugin.json."),
  limits: z.object({
    timeout_seconds: z.number(),
    memory_mb: z.number(),
    egress_allow: z.array(z.string()),
    cell: z.string().nullable().describe(
      "Plugins of the project with the same name here, and the same egress, share a process: a trust boundary.",
    ),
  }),
  last_error: errorRecordOut.nullable(),
  pid: z.number().nullable(),
  memory_bytes: z.number().nullable(),
  cpu_ms: z.number(),
  restarts: z.array(z.object({ at: timeOut, reason: z.string() })),
});

/** `elsewhere` says why this host runs none, when other hosts alone do. */
export function pluginConfigRoutes(plugins: Plugins, elsewhere: string | null): Route[] {
  return [
    route({
      method: "GET",
      path: "/_hogpen/api/plugin_configs",
      summary: "All plugin configs with their state",
      query: { team_id: idIn.optional(), ...pageIn(50) },
      response: listOf(pluginConfigOut),
      handle({ query }) {
        const views = plugins.list().filter(({ config }) =>
          query.team_id === undefined || config.teamId === query.team_id
        );
        const { results, next } = pageOf(views, query);
        return Promise.resolve({ results: results.map(showPlugin), next });
      },
    }),
    route({
      method: "GET",
      path: "/_hogpen/api/plugin_configs/{id}",
      summary: "One plugin config",
      params: { id: idIn },
      response: pluginConfigOut,
      errors: { 404: "No such plugin config" },
      version: ({ version }) => version ?? 0,
      handle: ({ params }) => Promise.resolve(showPlugin(findPlugin(plugins, params.id))),
    }),
    route({
      method: "POST",
      path: "/_hogpen/api/plugin_configs/{id}/enable",
      summary: "Starts a plugin again that the service disabled",
      params: { id: idIn },
      response: doneOut,
      errors: { 404: "No such plugin config", 409: "Switched off in the configuration, or this host runs no plugins" },
      async handle({ params }) {
        const { config } = findPlugin(plugins, params.id);
        if (elsewhere !== null) throw conflict(elsewhere);
        if (!config.enabled) {
          throw conflict(
            `Cannot enable plugin config ${config.id}: the configuration says enabled: false, change it there`,
          );
        }
        await plugins.enable(config.id);
        return DONE;
      },
    }),
    route({
      method: "POST",
      path: "/_hogpen/api/plugin_configs/{id}/share",
      summary: "Lets a plugin share a process with its neighbours again, which was moved to one of its own",
      params: { id: idIn },
      response: doneOut,
      errors: { 404: "No such plugin config" },
      async handle({ params }) {
        await plugins.share(findPlugin(plugins, params.id).config.id);
        return DONE;
      },
    }),
  ];
}

/** The plugin config with the id. Throws 404 when there is none. */
export function findPlugin(plugins: Plugins, id: number): PluginView {
  const view = plugins.list().find(({ config }) => config.id === id);
  if (!view) throw notFound(`There is no plugin config ${id}`);
  return view;
}

export function showPlugin({ config, manifest, status, version, apart }: PluginView): z.input<typeof pluginConfigOut> {
  return {
    id: config.id,
    team_id: config.teamId,
    name: manifest?.name ?? showSource(config.source),
    description: manifest?.description ?? "",
    does: status.capabilities ? describePlugin(status.capabilities, manifest?.schedule ?? {}) : [],
    source: showSource(config.source),
    enabled: config.enabled,
    managed_by: version === null ? "file" : "api",
    version,
    secrets_set: secretKeys(config.config, manifest),
    order: config.order,
    state: status.state,
    reason: status.reason,
    apart,
    capabilities: status.capabilities,
    config: maskConfig(config.config, manifest),
    attachments: maskAttachments(config.attachments, manifest),
    config_schema: (manifest?.config ?? []).map((field) => ({ ...field })),
    public_jobs: { ...manifest?.publicJobs },
    schedule: manifest?.schedule ?? {},
    limits: {
      timeout_seconds: config.timeoutSeconds,
      memory_mb: config.memoryMb,
      egress_allow: config.egress.allow,
      cell: config.cell,
    },
    last_error: status.lastError && showErrorRecord(status.lastError),
    pid: status.pid,
    memory_bytes: status.memoryBytes,
    cpu_ms: status.cpuMs,
    restarts: status.restarts,
  };
}
