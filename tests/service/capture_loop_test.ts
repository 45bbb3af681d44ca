/**
 * Proves that a plugin whose captured events cause further captures is cut off, while a plugin that derives one event
 * from each is not.
 */

import assert from "node:assert/strict";
import { eventually } from "../kit/eventually.ts";
import { startTestService } from "../kit/service.ts";

function configuration(code: string) {
  return { projects: [{ id: 1, token: "phc_loop", plugins: [{ id: 7, source: { inline: code, name: "Captor" } }] }] };
}

function eventOf(event: string, more: object = {}) {
  return { api_key: "phc_loop", event, distinct_id: "me", properties: {}, ...more };
}

Deno.test("a plugin that captures for every event it sees, by itself or through a job, is cut after five rounds", async () => {
  await using service = await startTestService({
    config: configuration(`
      export async function onEvent(event, { jobs }) {
        if (event.event.startsWith('direct')) await posthog.capture('direct', {})
        else await jobs.capture({}).runNow()
      }
      export const jobs = { capture: async () => { await posthog.capture('by job', {}) } }`),
  });
  // What an SDK says about depth is a field like any other.
  await service.capture(eventOf("direct, first", { depth: 99 }));
  await service.capture(eventOf("first for a job"));
  const events = await service.events(12);
  await eventually("both loops were refused", async () => {
    const { results } = await service.api<{ results: { source: string; message: string }[] }>(
      "/_hogpen/api/plugin_configs/7/logs",
    );
    return results.some(({ message }) => message.includes('Cannot capture "direct"')) &&
      results.some(({ source, message }) => source !== "SYSTEM" && message.includes('Cannot capture "by job"'));
  });
  assert.equal(events.filter(({ event }) => event === "direct").length, 5);
  assert.equal(events.filter(({ event }) => event === "by job").length, 5);
  assert.equal((await service.events(12)).length, 12);
});

Deno.test("a plugin that derives an event from each of its SDKs' events is never refused, however many pass at once", async () => {
  await using service = await startTestService({
    config: configuration(`
      export async function processEvent(event, { cache }) {
        await cache.incr('seen')
        if (event.event !== 'derived') posthog.capture('derived', { of: event.uuid, distinct_id: event.distinct_id })
        return event
      }`),
  });
  const count = 300;
  for (let sent = 0; sent < count; sent += 50) {
    const batch = Array.from({ length: 50 }, (_, n) => eventOf("original", { distinct_id: `user ${(sent + n) % 40}` }));
    await service.capture({ api_key: "phc_loop", batch }, "/batch");
  }
  const events = await service.events(2 * count);
  const originals = events.filter(({ event }) => event === "original").map(({ uuid }) => uuid);
  const derived = events.filter(({ event }) => event === "derived").map(({ properties }) => properties.of);
  assert.deepEqual(derived.toSorted(), originals.toSorted());
  assert.equal(originals.length, count);
});

Deno.test("a loop at the top of a module that captures after each answered event comes to an end", async () => {
  await using service = await startTestService({
    config: configuration(`
      let wake = () => {}, cache;
      (async () => {
        for (;;) {
          await new Promise((resolve) => { wake = resolve });
          for (let i = 0; i < 3; i++) await cache.get('x');
          await posthog.capture('again', {}).catch(() => {})
        }
      })();
      export function processEvent(event, meta) { cache = meta.cache; wake(); return event }`),
  });
  await service.capture(eventOf("first"));
  await eventually("the loop was refused", async () => {
    const { results } = await service.api<{ results: { message: string }[] }>("/_hogpen/api/plugin_configs/7/logs");
    return results.some(({ message }) => message.includes("more than 100 events an hour outside of any event"));
  });
  const captured = (await service.events(101)).filter(({ event }) => event === "again");
  assert.ok(captured.length <= 101, `${captured.length} events`);
});
