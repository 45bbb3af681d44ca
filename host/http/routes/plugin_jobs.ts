/**
 * Starts a plugin's public jobs.
 * @module
 */

import { z } from "zod";
import { isRecord } from "../../../runtime/is_record.ts";
import type { Job, Jobs } from "../../store/store.ts";
import { invalidInput } from "../api_error.ts";
import { checkJobPayload, findPublicJob } from "../public_job_payload.ts";
import { type Route, route } from "../route.ts";
import { idIn } from "../schemas.ts";
import { jobOut, showJob } from "./jobs.ts";
import { findPlugin, type Plugins } from "./plugin_configs.ts";

/** As for jobs that plugins start themselves: five retries on RetryError. */
const MAX_ATTEMPTS = 6;
const DEFAULT_OPERATION = "start";

export interface PluginJobRoutesOptions {
  plugins: Plugins;
  jobs: Pick<Jobs, "enqueue">;
  /** Called when a job was enqueued, so that it runs at once. */
  onEnqueued: () => void;
  now: () => number;
}

const fields = z.record(z.string(), z.unknown());
const startIn = fields.describe("`{payload?, operation?}`, or the payload's fields themselves.");
const posthogIn = z.object({
  job: z.object({
    type: z.string().optional(),
    payload: fields.optional(),
    operation: z.string().optional(),
  }),
});

export function pluginJobRoutes({ plugins, jobs, onEnqueued, now }: PluginJobRoutesOptions): Route[] {
  async function start(id: number, name: string, payload: Record<string, unknown>, operation: string): Promise<Job> {
    const { config, manifest, status } = findPlugin(plugins, id);
    const job = findPublicJob(manifest?.publicJobs ?? {}, status.capabilities?.jobs ?? [], name);
    checkJobPayload(job, payload);
    const enqueued = await jobs.enqueue({
      kind: "plugin",
      pluginConfigId: config.id,
      teamId: config.teamId,
      type: name,
      payload: { ...payload, $operation: operation },
      runAt: now(),
      attempt: 1,
      maxAttempts: MAX_ATTEMPTS,
    });
    onEnqueued();
    return enqueued;
  }

  return [
    route({
      method: "POST",
      path: "/_hogpen/api/plugin_configs/{id}/jobs/{name}",
      summary: "Starts a public job of a plugin",
      params: { id: idIn, name: z.string() },
      body: startIn,
      response: jobOut,
      errors: { 400: "No such public job, or a payload that it does not declare", 404: "No such plugin config" },
      async handle({ params, body }) {
        const { payload, operation } = readStart(body);
        return showJob(await start(params.id, params.name, payload, operation));
      },
    }),
    route({
      method: "POST",
      path: "/_hogpen/api/plugin_configs/{id}/job",
      summary: "Starts a public job of a plugin, with the body that PostHog's API takes",
      params: { id: idIn },
      body: posthogIn,
      response: jobOut,
      errors: { 400: "No such public job, or a payload that it does not declare", 404: "No such plugin config" },
      async handle({ params, body: { job } }) {
        if (!job.type) throw invalidInput("The job type must be specified!", "job");
        return showJob(await start(params.id, job.type, job.payload ?? {}, job.operation ?? DEFAULT_OPERATION));
      },
    }),
  ];
}

/** The payload is the `payload` object of the body or, without one, the body itself. */
function readStart(body: Record<string, unknown>): { payload: Record<string, unknown>; operation: string } {
  const wraps = isRecord(body.payload) && Object.keys(body).every((key) => key === "payload" || key === "operation");
  if (!wraps || !isRecord(body.payload)) return { payload: body, operation: DEFAULT_OPERATION };
  return { payload: body.payload, operation: typeof body.operation === "string" ? body.operation : DEFAULT_OPERATION };
}
