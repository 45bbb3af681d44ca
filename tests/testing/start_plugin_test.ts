/**
 * Proves that `startPlugin()`, the kit for plugin authors, runs a plugin in the real sandbox and lets a test control
 * clock, network and randomness.
 */

import assert from "node:assert/strict";
import { type StartOptions, startPlugin } from "../../testing/start_plugin.ts";

function start(code: string, options: StartOptions = {}) {
  return startPlugin({ inline: code }, options);
}

Deno.test("startPlugin() runs setupPlugin first, and rejects with what it threw", async () => {
  await using plugin = await start(
    `
    export function setupPlugin({ config, global }) { global.greeting = config.greeting }
    export const processEvent = (event, { global }) => ({ ...event, properties: { said: global.greeting } })
  `,
    { config: { greeting: "hi" } },
  );
  assert.deepEqual((await plugin.processEvent({ event: "a" }))?.properties, { said: "hi" });
  assert.deepEqual(plugin.capabilities.methods, ["setupPlugin", "processEvent"]);
  await assert.rejects(start(`export function setupPlugin() { throw new RetryError("later") }`), {
    name: "RetryError",
    message: "later",
  });
});

Deno.test("a started plugin drops, throws and consumes as its functions say", async () => {
  await using plugin = await start(`
    export function processEvent(event) {
      if (event.event === "bad") throw new TypeError("bad event")
      return event.event === "noise" ? null : event
    }
    export function onEvent(event) { console.log("saw", event.event) }
    export function exportEvents(events) { throw new RetryError("is away for " + events.length) }
  `);
  assert.equal(await plugin.processEvent({ event: "noise" }), null);
  assert.equal((await plugin.processEvent())?.distinct_id, "user-1");
  await assert.rejects(plugin.processEvent({ event: "bad" }), { name: "TypeError", message: "bad event" });
  await plugin.onEvent({ event: "order" });
  assert.deepEqual(plugin.logs.map(({ type, message }) => [type, message]), [["LOG", "saw order"]]);
  await assert.rejects(plugin.exportEvents([{ event: "a" }, { event: "b" }]), {
    name: "RetryError",
    message: "is away for 2",
  });
});

Deno.test("a started plugin's jobs run when the clock says so, and the jobs that these enqueue", async () => {
  await using plugin = await start(`
    export const jobs = {
      first(payload, { jobs }) { console.log("first", payload.n); return jobs.second({ n: 2 }).runNow() },
      second({ n }) { console.log("second", n) },
    }
    export const runEveryHour = (meta) => meta.jobs.first({ n: 1 }).runIn(5, "minutes")
  `);
  await plugin.run("runEveryHour");
  assert.deepEqual(plugin.jobs.map(({ job, payload }) => [job, payload]), [["first", { n: 1 }]]);
  assert.equal(await plugin.runDueJobs(), 0);
  plugin.advance(5 * 60_000);
  assert.equal(await plugin.runDueJobs(), 2);
  assert.equal(await plugin.runDueJobs(), 0);
  await plugin.runJob("second", { n: 3 });
  assert.deepEqual(plugin.logs.map(({ message }) => message), ["first 1", "second 2", "second 3"]);
});

Deno.test("a started plugin's storage, cache and captured events can be given and looked at", async () => {
  await using plugin = await start(
    `
    export async function processEvent(event, { storage, cache }) {
      await storage.set("count", (await storage.get("count", 0)) + 1)
      await cache.set("last", event.event + (await cache.get("suffix")))
      await cache.lpush("list", ["a", "b"])
      posthog.capture("derived", { from: event.event })
      return event
    }
  `,
    { storage: { count: 4 }, cache: { suffix: "!" } },
  );
  await plugin.processEvent({ event: "a" });
  assert.deepEqual(await plugin.storage(), { count: 5 });
  assert.deepEqual(await plugin.cache(), { suffix: "!", last: "a!", list: ["b", "a"] });
  assert.deepEqual(plugin.captured, [{ event: "derived", properties: { from: "a" } }]);
});

Deno.test("a started plugin sees the internet, the time and the randomness of the test", async () => {
  await using plugin = await start(
    `
    export async function processEvent(event) {
      const { rate } = await (await fetch("https://rates.example.com/now", { method: "POST", body: "x" })).json()
      return { ...event, properties: { rate, now: Date.now(), random: Math.random() } }
    }
  `,
    { fetch: [{ url: "https://rates.example.com/now", method: "POST", json: { rate: 2 } }], now: 1000, random: 0.25 },
  );
  assert.deepEqual(await plugin.propertiesOf({}), { rate: 2, now: 1000, random: 0.25 });
  plugin.advance(500);
  plugin.setRandom(0.75);
  assert.deepEqual(await plugin.propertiesOf({}), { rate: 2, now: 1500, random: 0.75 });
  assert.deepEqual(plugin.fetched.map(({ method, url, body }) => [method, url, body]), [
    ["POST", "https://rates.example.com/now", "x"],
    ["POST", "https://rates.example.com/now", "x"],
  ]);
});

Deno.test("a started plugin is torn down at the end", async () => {
  const plugin = await start("export function teardownPlugin() { console.log('bye') }");
  await plugin[Symbol.asyncDispose]();
  assert.deepEqual(plugin.logs.map(({ message }) => message), ["bye"]);
});
