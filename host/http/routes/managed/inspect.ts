/**
 * Inspects a plugin before it is installed, or before a newer version replaces it.
 * @module
 */

import { z } from "zod";
import { METHODS } from "../../../../runtime/capabilities.ts";
import type { PluginConfig } from "../../../config/config.ts";
import type { Inspection } from "../../../dry_run/inspect_plugin.ts";
import { describePlugin } from "../../describe_plugin.ts";
import { ApiError, notFound } from "../../api_error.ts";
import { type Route, route } from "../../route.ts";
import { findPlugin, type Plugins } from "../plugin_configs.ts";
import { sourceIn } from "./plugin_changes.ts";
import type { ManagedApi } from "./managed_api.ts";

const inspectionOut = z.object({
  name: z.string().nullable(),
  description: z.string().nullable(),
  does: z.array(z.string()).describe("In plain words."),
  capabilities: z.object({
    methods: z.array(z.enum(METHODS)),
    scheduled_tasks: z.array(z.string()),
    jobs: z.array(z.string()),
  }).nullable(),
  config_schema: z.array(z.record(z.string(), z.unknown())),
  public_jobs: z.record(z.string(), z.unknown()),
  schedule: z.record(z.string(), z.string()),
  error: z.object({ name: z.string(), message: z.string(), stack: z.string().optional() }).nullable()
    .describe("Why it cannot be loaded."),
  files: z.array(z.string()),
  changes: z.array(z.object({
    path: z.string(),
    before: z.string().nullable().describe("Null: it was not there, or is too large to be shown."),
    after: z.string().nullable(),
  })).describe("Against `compare_to`; every file when that is absent."),
});

export interface InspectRoutesOptions {
  plugins: Plugins;
  managed: ManagedApi;
  inspect(config: PluginConfig): Promise<Inspection>;
}

/** Keeps an answer readable for a page; further files are listed without their text. */
const MAX_CHARACTERS = 90_000;
const MOST_AT_ONCE = 2;

export function inspectRoutes({ plugins, managed, inspect }: InspectRoutesOptions): Route[] {
  let running = 0;
  return [
    route({
      method: "POST",
      path: "/_hogpen/api/sources/inspect",
      summary:
        "What a plugin is and can do, by loading it in a cell without network; and what differs from one that is installed",
      body: z.strictObject({ source: sourceIn, compare_to: z.int().optional().describe("Id of a plugin config.") }),
      response: inspectionOut,
      errors: { 404: "No such upload or plugin config", 503: "Others are being looked at" },
      audit: "none",
      async handle({ body: { source, compare_to: other } }) {
        const base = other === undefined ? null : findPlugin(plugins, other).config;
        if ("upload" in source && await managed.things.getBlob(source.upload) === null) {
          throw notFound(`There is no upload ${source.upload}`);
        }
        if (running >= MOST_AT_ONCE) {
          throw new ApiError(503, "server_error", "busy", "Others are being looked at: try again soon");
        }
        running++;
        try {
          const spec = "url" in source
            ? source.url
            : "inline" in source
            ? { inline: source.inline, ...(source.name !== undefined && { name: source.name }) }
            : await managed.things.materialize(source.upload);
          const [after, before] = await Promise.all([
            inspect({ ...NEW_PLUGIN, source: spec }),
            base === null ? null : inspect(base),
          ]);
          return showInspection(after, before);
        } finally {
          running--;
        }
      },
    }),
  ];
}

const NEW_PLUGIN = {
  id: 0,
  teamId: 0,
  enabled: true,
  order: 0,
  config: {},
  attachments: {},
  timeoutSeconds: 10,
  memoryMb: 256,
  egress: { allow: [] },
  cell: null,
};

function showInspection(
  { manifest, capabilities, error, files }: Inspection,
  base: Inspection | null,
): z.input<typeof inspectionOut> {
  const before = base?.files ?? {};
  const paths = [...new Set([...Object.keys(before), ...Object.keys(files)])].sort();
  let room = MAX_CHARACTERS;
  const changes = paths.filter((path) => files[path] !== before[path]).map((path) => {
    const [was, is] = [before[path] ?? null, files[path] ?? null];
    room -= (was?.length ?? 0) + (is?.length ?? 0);
    return room < 0 ? { path, before: null, after: null } : { path, before: was, after: is };
  });
  return {
    name: manifest?.name ?? null,
    description: manifest?.description ?? null,
    does: capabilities ? describePlugin(capabilities, manifest?.schedule ?? {}) : [],
    capabilities,
    config_schema: (manifest?.config ?? []).map((field) => ({ ...field })),
    public_jobs: { ...manifest?.publicJobs },
    schedule: manifest?.schedule ?? {},
    error,
    files: Object.keys(files),
    changes,
  };
}
