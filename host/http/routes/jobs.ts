/**
 * Jobs of plugins and retries of the service: waiting, running and finished.
 * @module
 */

import { z } from "zod";
import type { Job, Jobs } from "../../store/store.ts";
import { conflict, notFound } from "../api_error.ts";
import { type Route, route } from "../route.ts";
import { DONE, doneOut, idIn, limitUpTo, listOf, timeOut } from "../schemas.ts";

const kind = z.enum(["plugin", "onEvent", "exportEvents"]);
const state = z.enum(["waiting", "running", "done", "failed", "cancelled"]);

export const jobOut = z.object({
  id: z.string(),
  kind: kind.describe("`plugin` is a job of a plugin; the others are retries that the service makes for itself."),
  type: z.string(),
  plugin_config_id: z.number(),
  team_id: z.number(),
  payload: z.unknown(),
  state,
  attempt: z.number().describe("The attempt that runs next or ran last, from 1."),
  max_attempts: z.number(),
  run_at: timeOut,
  created_at: timeOut,
  updated_at: timeOut,
  last_error: z.string().nullable(),
});

export function jobRoutes(
  jobs: Pick<Jobs, "list" | "get" | "cancel" | "retryNow" | "total">,
  { onEnqueued, now }: { onEnqueued: () => void; now: () => number },
): Route[] {
  return [
    route({
      method: "GET",
      path: "/_hogpen/api/jobs",
      summary: "Jobs, newest first",
      query: {
        plugin_config_id: idIn.optional(),
        kind: kind.optional(),
        state: state.optional(),
        type: z.string().optional().describe("Name of the job."),
        total: z.stringbool().default(false).describe("Whether to count all that fit."),
        limit: limitUpTo(1000, 100),
        next: z.string().optional().describe("`next` of the page before."),
      },
      response: listOf(jobOut).extend({ total: z.number().nullable() }),
      async handle({ query }) {
        const selection = {
          ...(query.plugin_config_id !== undefined && { pluginConfigId: query.plugin_config_id }),
          ...(query.kind && { kind: query.kind }),
          ...(query.state && { state: query.state }),
          ...(query.type && { type: query.type }),
        };
        const page = { ...selection, limit: query.limit, ...(query.next && { next: query.next }) };
        const [{ results, next }, total] = await Promise.all([
          jobs.list(page),
          query.total ? jobs.total(selection) : null,
        ]);
        return { results: results.map(showJob), next, total };
      },
    }),
    route({
      method: "GET",
      path: "/_hogpen/api/jobs/{id}",
      summary: "One job",
      params: { id: z.string() },
      response: jobOut,
      errors: { 404: "No such job" },
      handle: async ({ params }) => showJob(await findJob(jobs, params.id)),
    }),
    route({
      method: "POST",
      path: "/_hogpen/api/jobs/{id}/retry",
      summary: "Runs a job now that waits, failed or was cancelled",
      params: { id: z.string() },
      response: doneOut,
      errors: { 404: "No such job", 409: "It runs, is done, or its payload is gone" },
      async handle({ params }) {
        if (await jobs.retryNow(params.id, now())) {
          onEnqueued();
          return DONE;
        }
        const job = await findJob(jobs, params.id);
        throw conflict(`Cannot run job ${job.id} again: it is ${job.state}, or what it would run with is gone`);
      },
    }),
    route({
      method: "POST",
      path: "/_hogpen/api/jobs/{id}/cancel",
      summary: "Cancels a job that waits",
      params: { id: z.string() },
      response: doneOut,
      errors: { 404: "No such job", 409: "It runs or is over" },
      async handle({ params }) {
        if (await jobs.cancel(params.id)) return DONE;
        const job = await findJob(jobs, params.id);
        throw conflict(`Cannot cancel job ${job.id}: it is ${job.state}, only a waiting job can be cancelled`);
      },
    }),
  ];
}

export function showJob(job: Job): z.input<typeof jobOut> {
  return {
    id: job.id,
    kind: job.kind,
    type: job.type,
    plugin_config_id: job.pluginConfigId,
    team_id: job.teamId,
    payload: job.payload ?? null,
    state: job.state,
    attempt: job.attempt,
    max_attempts: job.maxAttempts,
    run_at: job.runAt,
    created_at: job.createdAt,
    updated_at: job.updatedAt,
    last_error: job.lastError,
  };
}

async function findJob(jobs: Pick<Jobs, "get">, id: string): Promise<Job> {
  const job = await jobs.get(id);
  if (!job) throw notFound(`There is no job ${id}`);
  return job;
}
