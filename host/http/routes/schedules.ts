/**
 * Scheduled tasks of plugins: their next and last runs, and running one now.
 * @module
 */

import { z } from "zod";
import { PluginCallError } from "../../cells/plugin_runtime.ts";
import type { Scheduler } from "../../schedule/scheduler.ts";
import { notFound } from "../api_error.ts";
import { type Route, route } from "../route.ts";
import { idIn, listOf, timeOut } from "../schemas.ts";
import { findPlugin, type Plugins } from "./plugin_configs.ts";

const taskOut = z.object({
  task: z.string(),
  cron: z.string().describe("In UTC."),
  next_run_at: timeOut.nullable(),
  last_run: z.object({ at: timeOut, ms: z.number(), error: z.string().nullable() }).nullable()
    .describe("On this host, since it started."),
});

const errors = { 404: "No such plugin config or task" };

export interface ScheduleRoutesOptions {
  plugins: Plugins;
  schedule: Pick<Scheduler, "upcoming" | "run">;
}

export function scheduleRoutes({ plugins, schedule }: ScheduleRoutesOptions): Route[] {
  return [
    route({
      method: "GET",
      path: "/_hogpen/api/plugin_configs/{id}/schedules",
      summary: "Scheduled tasks of a plugin, with their next and last runs",
      params: { id: idIn },
      response: listOf(taskOut),
      errors,
      handle({ params: { id } }) {
        findPlugin(plugins, id);
        const results = schedule.upcoming(id).map(({ task, cron, nextRunAt, lastRun }) => ({
          task,
          cron,
          next_run_at: nextRunAt,
          last_run: lastRun,
        }));
        return Promise.resolve({ results, next: null });
      },
    }),
    route({
      method: "POST",
      path: "/_hogpen/api/plugin_configs/{id}/schedules/{task}/run",
      summary: "Runs a scheduled task now, and answers when it has ended",
      params: { id: idIn, task: z.string() },
      response: z.object({ error: z.string().nullable() }),
      errors,
      async handle({ params: { id, task } }) {
        findPlugin(plugins, id);
        if (!schedule.upcoming(id).some((each) => each.task === task)) {
          throw notFound(`Plugin config ${id} has no scheduled task ${task}`);
        }
        try {
          await schedule.run(id, task);
          return { error: null };
        } catch (error) {
          if (error instanceof PluginCallError) return { error: `${error.record.name}: ${error.message}` };
          // The plugin was stopped in the meantime.
          return { error: error instanceof Error ? error.message : String(error) };
        }
      },
    }),
  ];
}
