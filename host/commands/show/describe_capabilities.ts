/**
 * Describes in plain words what a plugin can do.
 * @module
 */

import type { Capabilities, Method } from "../../../runtime/capabilities.ts";
import type { Manifest } from "../../loader/plugin.ts";

const WORDS: Record<Method, string> = {
  setupPlugin: "prepares itself once before the first event",
  teardownPlugin: "cleans up when it is stopped",
  processEvent: "changes or drops each event on its way",
  processEventBatch: "changes or drops events in batches on their way",
  onEvent: "sees each event after all plugins",
  onSnapshot: "asks for session recordings, which are not given to plugins here",
  exportEvents: "exports events in batches after all plugins",
  composeWebhook: "sends a request for each event after all plugins",
  getSettings: "says how it wants to be run",
};

/** A line for each capability: its name and what it is. */
export function describeCapabilities(capabilities: Capabilities, manifest: Manifest): [string, string][] {
  const { methods, scheduled_tasks, jobs } = capabilities;
  return [
    ...methods.map((method): [string, string] => [method, WORDS[method]]),
    ...scheduled_tasks.map((task): [string, string] => [task, describeTask(task, manifest.schedule[task])]),
    ...jobs.map((job): [string, string] => [
      `jobs.${job}`,
      Object.hasOwn(manifest.publicJobs, job)
        ? "runs when asked for, also by the operator"
        : "runs when it asks for it",
    ]),
  ];
}

function describeTask(task: string, cron: string | undefined): string {
  const unit = /^runEvery(Minute|Hour|Day)$/.exec(task)?.[1];
  if (unit !== undefined) return `runs once every ${unit.toLowerCase()}`;
  return cron === undefined ? "is never run: the schedule does not name it" : `runs at "${cron}" (cron, UTC)`;
}
