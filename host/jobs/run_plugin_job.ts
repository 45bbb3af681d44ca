/**
 * Runs a plugin's job, which is one call of a function in its `jobs`.
 * @module
 */

import type { ErrorRecord } from "../../runtime/errors.ts";
import { JOB_RETRIES, retryDelayMs } from "../../runtime/retry.ts";
import { type EventOrigin, PluginCallError } from "../cells/plugin_runtime.ts";
import type { HostedPlugin } from "../loader/hosted_plugin.ts";
import type { PluginJournal } from "../loader/plugin_journal.ts";
import type { Job } from "../store/store.ts";
import { type JobVerdict, lastAttempt } from "./job_verdict.ts";

export async function runPluginJob(plugin: HostedPlugin, job: Job, journal: PluginJournal): Promise<JobVerdict> {
  const { runtime, pluginConfigId } = plugin;
  const known = runtime.status(pluginConfigId).capabilities?.jobs.includes(job.type);
  if (!known) {
    return fail({ name: "Error", message: unknownJob(job.type, plugin), retry: false });
  }
  try {
    // A job that was enqueued without a payload is stored with null.
    await runtime.call(pluginConfigId, "job", job.type, job.payload ?? undefined, originOf(job));
    return { kind: "done" };
  } catch (error) {
    if (!(error instanceof PluginCallError)) return { kind: "returned", reason: String(error) };
    return judge(error.record);
  }

  function judge(error: ErrorRecord): JobVerdict {
    if (!error.retry) return fail(error);
    const delayMs = job.attempt < job.maxAttempts ? retryDelayMs(JOB_RETRIES, job.attempt) : null;
    if (delayMs !== null) return { kind: "retry", error, delayMs };
    return fail(lastAttempt(error, job));
  }

  function fail(error: ErrorRecord): JobVerdict {
    journal.error(pluginConfigId, error);
    return { kind: "failed", error };
  }
}

/** A run that its host could not finish is the same run when another host starts it again; the next attempt is not. */
function originOf({ id, runAt, depth = 0 }: Job): EventOrigin {
  return { occasion: `${id}@${runAt}`, depth };
}

/** Worded as PostHog words it. */
export function unknownJob(type: string, { manifest, pluginConfigId }: HostedPlugin): string {
  return `Task "${type}" not found for plugin "${manifest.name}" with config id ${pluginConfigId}`;
}
