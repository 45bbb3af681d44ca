/**
 * Calls onEvent, onSnapshot, composeWebhook or exportEvents again for events whose earlier call asked for a retry.
 * Events that have used up their attempts become dead letters.
 * @module
 */

import { EXPORT_EVENTS_RETRIES, ON_EVENT_RETRIES, retryDelayMs } from "../../runtime/retry.ts";
import { callPlugin, type ConsumingFunction, type PluginResult } from "../consumers/sinks/plugin_call.ts";
import { readRetryPayload } from "../consumers/retry_payload.ts";
import { readEvent, shapeEvent } from "../consumers/sinks/shape_event.ts";
import type { HostedPlugins } from "../loader/hosted_plugin.ts";
import type { PluginJournal } from "../loader/plugin_journal.ts";
import type { Job, NewDeadLetter } from "../store/store.ts";
import { describeError, type JobVerdict, lastAttempt } from "./job_verdict.ts";

export interface RunRetriesServices {
  plugins: HostedPlugins;
  journal: PluginJournal;
  /** Keeps trying until the dead letters are stored; rejects if the service ends. */
  bury(letters: NewDeadLetter[]): Promise<void>;
}

/**
 * Resolves with one verdict per job. All jobs are of one plugin and one function, which sees their events as one batch.
 */
export async function runRetries(jobs: Job[], services: RunRetriesServices): Promise<JobVerdict[]> {
  const [first] = jobs;
  if (first === undefined) return [];
  const fn = functionOf(first.type);
  const texts = jobs.map(({ payload }) => readRetryPayload(payload));
  const shaped = texts.flatMap((events, index) =>
    events.map((event) => ({
      event: new TextEncoder().encode(shapeEvent(readEvent(event), fn)),
      // The deepest chain of captures among the jobs' events counts for all of them.
      depth: jobs[index]?.depth ?? 0,
    }))
  );
  const results = await callPlugin(services.plugins, first.pluginConfigId, fn, shaped);
  const verdicts: JobVerdict[] = [];
  let from = 0;
  for (const [index, job] of jobs.entries()) {
    const events = texts[index] ?? [];
    verdicts.push(await judge(job, fn, events, results.slice(from, from += events.length), services));
  }
  return verdicts;
}

async function judge(
  job: Job,
  fn: ConsumingFunction,
  events: string[],
  results: PluginResult[],
  services: RunRetriesServices,
): Promise<JobVerdict> {
  if (results.some(({ kind }) => kind === "passed")) return { kind: "returned", reason: "The plugin is disabled" };
  const again = results.find((result) => result.kind === "retry");
  const table = job.kind === "exportEvents" ? EXPORT_EVENTS_RETRIES : ON_EVENT_RETRIES;
  const delayMs = job.attempt < job.maxAttempts ? retryDelayMs(table, job.attempt) : null;
  // The job runs again as a whole, so whatever was already done is done twice.
  if (again?.kind === "retry" && delayMs !== null) return { kind: "retry", error: again.error, delayMs };
  return await giveUp(job, fn, events, results, services);
}

async function giveUp(
  job: Job,
  fn: ConsumingFunction,
  events: string[],
  results: PluginResult[],
  { journal, bury }: RunRetriesServices,
): Promise<JobVerdict> {
  const { pluginConfigId, teamId, attempt, maxAttempts } = job;
  const consumer = `${fn === "onSnapshot" ? "onEvent" : fn}:${pluginConfigId}`;
  const letters: NewDeadLetter[] = [];
  let last: Extract<JobVerdict, { kind: "failed" }> | null = null;
  for (const [index, result] of results.entries()) {
    const event = events[index];
    if (event === undefined || result.kind === "done" || result.kind === "passed") continue;
    const error = result.kind === "retry" ? lastAttempt(result.error, job) : result.error;
    // An onEvent that failed has seen its event. Events that asked for a retry, or were interrupted, are kept for
    // later.
    const kept = result.kind === "retry" || result.stopped || fn === "exportEvents";
    if (kept) letters.push({ teamId, consumer, reason: describeError(error), event });
    if (last?.error.message !== error.message) {
      journal.error(pluginConfigId, error, events.length === 1 ? event : undefined);
    }
    last = { kind: "failed", error };
  }
  if (last === null) return { kind: "done" };
  if (letters.length > 0) {
    await bury(letters);
    const count = letters.length === 1 ? "1 event" : `${letters.length} events`;
    journal.system(
      pluginConfigId,
      "ERROR",
      `${fn} was given up after ${attempt} of ${maxAttempts} attempts, ${count} went to the dead letters. Last error: ${
        describeError(last.error)
      }`,
    );
  }
  return last;
}

function functionOf(type: string): ConsumingFunction {
  switch (type) {
    case "onEvent":
    case "onSnapshot":
    case "exportEvents":
    case "composeWebhook":
      return type;
    default:
      throw new TypeError(
        `Cannot run a retry of ${type}: expected onEvent, onSnapshot, exportEvents or composeWebhook`,
      );
  }
}
