/**
 * Describes what a plugin does for people who did not write it.
 * @module
 */

import type { Capabilities, Method } from "../../runtime/capabilities.ts";

const METHOD_WORDS: Partial<Record<Method, string>> = {
  processEvent: "changes events before they are stored",
  processEventBatch: "changes events before they are stored",
  onEvent: "looks at every event after it is stored",
  onSnapshot: "looks at session recordings",
  exportEvents: "exports events in batches",
  composeWebhook: "sends a webhook for events",
  setupPlugin: "prepares itself when it starts",
  teardownPlugin: "cleans up when it stops",
};

const TASK_WORDS: Record<string, string> = {
  runEveryMinute: "runs a task every minute",
  runEveryHour: "runs a task every hour",
  runEveryDay: "runs a task every day",
};

/** One phrase for each thing that a plugin can do, the most important first. `schedule` is that of its plugin.json. */
export function describePlugin(capabilities: Capabilities, schedule: Record<string, string>): string[] {
  const { methods, scheduled_tasks, jobs } = capabilities;
  const order = Object.keys(METHOD_WORDS) as Method[];
  const phrases = order.filter((method) => methods.includes(method)).map((method) => METHOD_WORDS[method] ?? method);
  for (const task of scheduled_tasks) {
    const cron = Object.hasOwn(schedule, task) ? schedule[task] : undefined;
    phrases.push(
      cron ? `runs ${task} on the schedule ${cron}` : TASK_WORDS[task] ?? `has a task ${task} that no schedule names`,
    );
  }
  if (jobs.length > 0) phrases.push(`has ${jobs.length === 1 ? "the job" : "the jobs"} ${jobs.join(", ")}`);
  return phrases.length > 0 ? [...new Set(phrases)] : ["does nothing by itself"];
}
