/** Proves which functions of a plugin are scheduled tasks, when each is due next, and how late it may still run. */

import assert from "node:assert/strict";
import { nextTick, scheduledTasks, toleratedLatenessMs } from "../../../host/schedule/scheduled_tasks.ts";

const at = (text: string) => new Date(text).getTime();

Deno.test("VM-32 scheduledTasks() knows the three functions of PostHog, and runs no other name", () => {
  const scheduled_tasks = ["runEveryMinute", "runEveryHour", "runEveryDay", "runEveryFortnight"];
  assert.deepEqual(scheduledTasks({ scheduled_tasks }, { schedule: {} }), [
    { name: "runEveryMinute", cron: "* * * * *" },
    { name: "runEveryHour", cron: "0 * * * *" },
    { name: "runEveryDay", cron: "0 0 * * *" },
  ]);
});

Deno.test("scheduledTasks() takes cron expressions of plugin.json, for functions that are there", () => {
  const schedule = { runEveryFortnight: "0 6 1,15 * *", missing: "* * * * *", runEveryHour: "30 * * * *" };
  assert.deepEqual(scheduledTasks({ scheduled_tasks: ["runEveryFortnight", "runEveryHour"] }, { schedule }), [
    { name: "runEveryFortnight", cron: "0 6 1,15 * *" },
    { name: "runEveryHour", cron: "30 * * * *" },
  ]);
});

Deno.test("nextTick() counts in UTC and never answers the given time", () => {
  assert.equal(nextTick("0 0 * * *", at("2026-03-04T23:59:59.999Z")), at("2026-03-05T00:00:00Z"));
  assert.equal(nextTick("0 0 * * *", at("2026-03-05T00:00:00Z")), at("2026-03-06T00:00:00Z"));
  assert.equal(nextTick("* * * * *", at("2026-03-05T00:00:00.001Z")), at("2026-03-05T00:01:00Z"));
  assert.equal(nextTick("*/15 * * * *", at("2026-03-05T10:31:00Z")), at("2026-03-05T10:45:00Z"));
  assert.throws(() => nextTick("every day", at("2026-03-05T00:00:00Z")));
});

Deno.test("toleratedLatenessMs() is PostHog's 60 s, an hour and a day, and lies between for other expressions", () => {
  const tick = at("2026-03-05T00:00:00Z");
  const lateness = (cron: string) => toleratedLatenessMs(cron, tick);
  assert.deepEqual([lateness("* * * * *"), lateness("0 * * * *"), lateness("0 0 * * *")], [
    60_000,
    3_600_000,
    86_400_000,
  ]);
  assert.deepEqual([lateness("*/15 * * * *"), lateness("* * * * * *"), lateness("0 0 1 1 *")], [
    900_000,
    60_000,
    86_400_000,
  ]);
});
