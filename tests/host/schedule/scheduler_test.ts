/**
 * Proves that scheduled tasks run at their times in UTC, once among several hosts, and that missed ticks are not made
 * up for.
 */

import assert from "node:assert/strict";
import { createScheduler, type Scheduler } from "../../../host/schedule/scheduler.ts";
import { eventually } from "../../kit/eventually.ts";
import { type Flow, openFlow } from "../../kit/flow.ts";
import { HttpReceiver } from "../../kit/servers/http_receiver.ts";
import { openPluginHost, type PluginHost } from "../../kit/plugin_host.ts";

const EVERY = `
  const count = (name) => async ({ storage }) => { await storage.set(name, await storage.get(name, 0) + 1); };
  export const runEveryMinute = count("minute");
  export const runEveryHour = count("hour");
  export const runEveryDay = count("day");
`;
const MINUTE = 60_000;

function schedule(flow: Flow, { plugins, journal }: PluginHost, owner = "a"): Scheduler {
  return createScheduler({ ...flow, plugins, journal, owner });
}

/** Moves on minute by minute, so that no tick is missed because the machine is slow. */
async function pass(flow: Flow, minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute++) {
    await eventually("the schedule sleeps", () => flow.clock.untilNext <= MINUTE);
    await flow.clock.advance(MINUTE);
  }
}

Deno.test("VM-34 FN-11 the three tasks run at their times in UTC", async () => {
  await using flow = await openFlow();
  await using host = openPluginHost(flow);
  await host.run(39, EVERY);
  // 23:57:30 in UTC.
  await flow.clock.advance(new Date("2026-03-04T23:57:30Z").getTime() - flow.clock.now());
  await using scheduler = schedule(flow, host);
  assert.deepEqual(
    scheduler.upcoming(39).map(({ task, nextRunAt }) => [task, new Date(nextRunAt ?? 0).toISOString()]),
    [
      ["runEveryMinute", "2026-03-04T23:58:00.000Z"],
      ["runEveryHour", "2026-03-05T00:00:00.000Z"],
      ["runEveryDay", "2026-03-05T00:00:00.000Z"],
    ],
  );
  await flow.clock.advance(MINUTE / 2 - 1);
  assert.deepEqual(await host.storage(39), {});
  await flow.clock.advance(1);
  await eventually("a minute was counted", async () => (await host.storage(39)).minute === 1);
  await flow.clock.advance(2 * MINUTE - 1);
  assert.deepEqual(Object.keys(await host.storage(39)), ["minute"]);
  await flow.clock.advance(1);
  await eventually("hour and day were counted", async () => Object.keys(await host.storage(39)).length === 3);
  await flow.clock.advance(10 * MINUTE);
  const { hour, day } = await host.storage(39);
  assert.deepEqual([hour, day], [1, 1]);
});

Deno.test("SC-01 a task whose run before still goes on skips the tick", async () => {
  const answered = Promise.withResolvers<void>();
  await using far = new HttpReceiver(() => answered.promise.then(() => new Response("")));
  await using flow = await openFlow();
  await using host = openPluginHost(flow);
  await host.run(39, `export const runEveryMinute = async ({ config }) => { await fetch(config.url); };`, {
    config: { url: far.url },
  });
  await using _ = schedule(flow, host);
  await pass(flow, 1);
  await eventually("it runs", () => far.requests.length === 1);
  await pass(flow, 3);
  assert.equal(far.requests.length, 1);
  answered.resolve();
  await eventually("it runs again", async () => {
    await pass(flow, 1);
    return far.requests.length >= 2;
  });
});

Deno.test("SC-02 a task that throws is stored, logged, and not run again before its time", async () => {
  await using flow = await openFlow();
  await using host = openPluginHost(flow);
  await host.run(
    39,
    EVERY.replace('export const runEveryMinute = count("minute");', "") + `
    export function runEveryMinute() { throw new RetryError("no luck"); }`,
  );
  await using _ = schedule(flow, host);
  await pass(flow, 1);
  await eventually("it is stored", async () => {
    await host.journal.flush();
    return (await flow.store.pluginConfigs.get(39))?.lastError?.message === "no luck";
  });
  assert.equal((await host.logs(39)).filter((message) => message.includes("no luck")).length, 1);
  assert.deepEqual((await flow.store.jobs.list({ limit: 10 })).results, []);
  await pass(flow, 1);
  await eventually("the next tick ran it", async () => {
    return (await host.logs(39)).filter((message) => message.includes("no luck")).length === 2;
  });
});

Deno.test("SC-03 of three hosts on one store exactly one runs a tick, and another when that one stops", async () => {
  await using flow = await openFlow();
  await using host = openPluginHost(flow);
  await host.run(39, EVERY);
  const schedulers = ["a", "b", "c"].map((owner) => schedule(flow, host, owner));
  const counted = (minutes: number) =>
    eventually(`${minutes} minutes were counted`, async () => {
      // Every host has had its try when all sleep again.
      await flow.clock.advance(1);
      return (await host.storage(39)).minute === minutes;
    });
  for (const minutes of [1, 2, 3]) {
    await flow.clock.advance(MINUTE);
    await counted(minutes);
  }
  for (const [index, scheduler] of schedulers.entries()) {
    assert.equal((await host.storage(39)).minute, 3 + index);
    await scheduler[Symbol.asyncDispose]();
    if (index === 2) break;
    await flow.clock.advance(MINUTE);
    await counted(4 + index);
  }
});

Deno.test("cron expressions of plugin.json run exported functions; a wrong one is told to the plugin's author once", async () => {
  await using flow = await openFlow();
  await using host = openPluginHost(flow);
  const code = `export const sync = ({ storage }) => storage.set("ran", true); export const odd = () => {};`;
  await host.run(39, code, {
    manifest: { schedule: { sync: "*/2 * * * *", odd: "now and then", missing: "* * * * *" } },
  });
  await using scheduler = schedule(flow, host);
  assert.deepEqual(scheduler.upcoming(39).map(({ task, cron }) => [task, cron]), [["sync", "*/2 * * * *"]]);
  await pass(flow, 2);
  await eventually("it ran", async () => (await host.storage(39)).ran);
  assert.equal((await host.logs(39)).filter((message) => message.includes("Cannot schedule odd")).length, 1);
});

Deno.test("ticks that passed while nobody was there are not made up for, but a late one is run while it is any use", async () => {
  await using flow = await openFlow();
  await using host = openPluginHost(flow);
  await host.run(39, EVERY);
  {
    await using _ = schedule(flow, host);
  }
  await flow.clock.advance(10 * MINUTE);
  await using _ = schedule(flow, host);
  await pass(flow, 1);
  await eventually("the first minute is counted", async () => (await host.storage(39)).minute === 1);
  // The machine sleeps for two hours and a half: the hour is run late, of the minutes only none is left to run.
  await eventually("the schedule sleeps", () => flow.clock.untilNext <= MINUTE);
  flow.clock.jump(150 * MINUTE);
  await flow.clock.advance(0);
  await pass(flow, 1);
  await eventually("the next minute is counted", async () => (await host.storage(39)).minute === 2);
  assert.equal((await host.storage(39)).day, undefined);
});

Deno.test("XL-04 a plugin that was disabled has no ticks", async () => {
  await using flow = await openFlow();
  await using host = openPluginHost(flow);
  await host.run(39, `${EVERY} export function setupPlugin() { throw new Error("no key"); }`);
  await using _ = schedule(flow, host);
  await pass(flow, 2);
  assert.deepEqual(await host.storage(39), {});
  assert.equal(await flow.store.ticks.claim(39, "runEveryMinute", flow.clock.now(), 1, "look"), true);
});

Deno.test("a scheduler claims again after an outage of the store", async () => {
  await using flow = await openFlow();
  await using host = openPluginHost(flow);
  await host.run(39, EVERY);
  const errors: unknown[] = [];
  const { ticks } = flow.store;
  const store = {
    ticks: {
      ...ticks,
      claim: (...args: Parameters<typeof ticks.claim>) =>
        errors.length < 2 ? Promise.reject(new Error("connection refused")) : ticks.claim(...args),
    },
  };
  const { plugins, journal } = host;
  const onError = (error: unknown) => errors.push(error);
  await using _ = createScheduler({ ...flow, store, plugins, journal, owner: "a", onError });
  await flow.clock.advance(MINUTE / 2);
  await eventually("it is counted", async () => {
    await flow.clock.advance(1000);
    return (await host.storage(39)).minute === 1;
  });
  assert.equal(errors.length, 2);
});

Deno.test("a scheduler waits for the tasks that run when it stops", async () => {
  const answered = Promise.withResolvers<void>();
  await using far = new HttpReceiver(() => answered.promise.then(() => new Response("")));
  await using flow = await openFlow();
  await using host = openPluginHost(flow);
  const code = `export const runEveryMinute = async ({ config, storage }) => {
    await fetch(config.url);
    await storage.set("finished", true);
  };`;
  await host.run(39, code, { config: { url: far.url } });
  const scheduler = schedule(flow, host);
  await pass(flow, 1);
  await eventually("it runs", () => far.requests.length === 1);
  const stopped = scheduler[Symbol.asyncDispose]();
  answered.resolve();
  await stopped;
  assert.deepEqual(await host.storage(39), { finished: true });
});
