/**
 * Log entries: the console output of plugins, and what the service reports about them.
 * @module
 */

import { z } from "zod";
import type { LogEntry, LogType, PluginLogs } from "../../store/store.ts";
import { type Route, route } from "../route.ts";
import { idIn, limitUpTo, listOf, timeIn, timeOut } from "../schemas.ts";
import { findPlugin, type Plugins } from "./plugin_configs.ts";

const TYPES = ["DEBUG", "LOG", "INFO", "WARN", "ERROR"] as const satisfies LogType[];

const logEntryOut = z.object({
  id: z.string(),
  team_id: z.number(),
  plugin_config_id: z.number(),
  timestamp: timeOut,
  source: z.enum(["SYSTEM", "PLUGIN", "CONSOLE"]),
  type: z.enum(TYPES),
  message: z.string(),
  instance_id: z.string(),
});

const typesIn = z.string().transform((text) => text.toUpperCase().split(",").map((type) => type.trim()))
  .pipe(z.array(z.enum(TYPES))).describe("One or more of DEBUG, LOG, INFO, WARN, ERROR, with commas between them.");

export function pluginLogRoutes(plugins: Plugins, logs: Pick<PluginLogs, "list">): Route[] {
  return [
    route({
      method: "GET",
      path: "/_hogpen/api/plugin_configs/{id}/logs",
      summary: "Log entries of a plugin config, newest first",
      params: { id: idIn },
      query: {
        type: typesIn.optional(),
        search: z.string().optional().describe("Text in the message, whatever its case."),
        before: timeIn.optional().describe("Exclusive."),
        after: timeIn.optional().describe("Exclusive."),
        limit: limitUpTo(1000, 100),
        next: z.string().optional().describe("`next` of the page before."),
      },
      response: listOf(logEntryOut),
      errors: { 404: "No such plugin config" },
      async handle({ params, query }) {
        findPlugin(plugins, params.id);
        const { results, next } = await logs.list({
          pluginConfigId: params.id,
          limit: query.limit,
          ...(query.type && { types: query.type }),
          ...(query.search && { search: query.search }),
          ...(query.before !== undefined && { before: query.before }),
          ...(query.after !== undefined && { after: query.after }),
          ...(query.next && { next: query.next }),
        });
        return { results: results.map(showEntry), next };
      },
    }),
  ];
}

function showEntry({ id, teamId, pluginConfigId, at, source, type, message, instanceId }: LogEntry) {
  return {
    id,
    team_id: teamId,
    plugin_config_id: pluginConfigId,
    timestamp: at,
    source,
    type,
    message,
    instance_id: instanceId,
  };
}
