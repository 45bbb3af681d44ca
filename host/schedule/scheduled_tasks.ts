/**
 * Determines when the scheduled tasks of a plugin run. All times are UTC.
 *
 * `runEveryMinute`, `runEveryHour` and `runEveryDay` are PostHog's. `schedule` in plugin.json is Hogpen's own: it maps
 * the name of an exported function to a cron expression.
 * @module
 */

import { Cron } from "croner";
import type { Capabilities } from "../../runtime/capabilities.ts";
import type { Manifest } from "../loader/plugin.ts";

export interface ScheduledTask {
  name: string;
  /** A cron expression of five fields, or of six with seconds first. */
  cron: string;
}

const RUN_EVERY: ReadonlyMap<string, string> = new Map([
  ["runEveryMinute", "* * * * *"],
  ["runEveryHour", "0 * * * *"],
  ["runEveryDay", "0 0 * * *"],
]);

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Other exports named `runEvery…` are listed among the capabilities, but nothing says when to run them. */
export function scheduledTasks(
  { scheduled_tasks }: Pick<Capabilities, "scheduled_tasks">,
  { schedule }: Pick<Manifest, "schedule">,
): ScheduledTask[] {
  return scheduled_tasks.flatMap((name) => {
    const cron = (Object.hasOwn(schedule, name) ? schedule[name] : undefined) ?? RUN_EVERY.get(name);
    return cron === undefined ? [] : [{ name, cron }];
  });
}

/** The first tick after the given time; null if there is none. Throws if the expression is not valid. */
export function nextTick(cron: string, after: number): number | null {
  return new Cron(cron, { timezone: "UTC" }).nextRun(new Date(after))?.getTime() ?? null;
}

/**
 * How late a tick may still run: until the next tick is due, but at least a minute and at most a day. PostHog allowed a
 * minute, an hour and a day for its three tasks.
 */
export function toleratedLatenessMs(cron: string, tick: number): number {
  const next = nextTick(cron, tick);
  return next === null ? DAY_MS : Math.min(Math.max(next - tick, MINUTE_MS), DAY_MS);
}
