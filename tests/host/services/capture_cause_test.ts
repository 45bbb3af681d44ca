/**
 * Proves that a captured event is attributed to the event that caused it, also through jobs, so that loops are
 * recognised.
 */

import assert from "node:assert/strict";
import { loadPlugin } from "../../../host/loader/load_plugin.ts";
import { type FixturePlugin, startFixturePlugin } from "../../../testing/fixture_plugin.ts";

async function start(code: string): Promise<FixturePlugin> {
  const plugin = await loadPlugin({ inline: code });
  return await startFixturePlugin({ plugin, config: {}, now: Date.UTC(2021, 0, 20), random: 0.5 });
}

function eventsOf(count: number): Record<string, unknown>[] {
  return Array.from(
    { length: count },
    (_, n) => ({ event: "e", distinct_id: `user ${n}`, team_id: 2, properties: { n } }),
  );
}

async function capturedDepths({ services }: FixturePlugin): Promise<(number | undefined)[]> {
  return (await services.captured()).map(({ record }) => record.depth);
}

Deno.test("a captured event is one deeper than the event that it was captured for, not than its neighbours in the batch", async () => {
  await using plugin = await start(`
    export async function processEvent(event, { cache }) {
      await cache.get('anything')
      await posthog.capture('again ' + event.properties.n).catch(({ name }) => { event.properties.refused = name })
      return event
    }`);
  const outcomes = await plugin.batch("processEvent", eventsOf(3), [0, 5, 2]);
  assert.deepEqual(outcomes.map(({ event }) => (event?.properties as { refused?: string }).refused), [
    undefined,
    "ServiceLimitError",
    undefined,
  ]);
  assert.deepEqual((await capturedDepths(plugin)).toSorted(), [1, 3]);
});

Deno.test("what is captured after the event is through still counts for it, also beyond the window of calls", async () => {
  await using plugin = await start(`
    export function processEvent(event, { cache }) {
      for (let i = 0; i < 90; i++) cache.get('filler').then(() => posthog.capture('late')).catch(() => {})
      return event
    }`);
  await plugin.batch("processEvent", eventsOf(2), [5, 0]);
  await plugin.settled();
  const depths = await capturedDepths(plugin);
  assert.equal(depths.length, 90);
  assert.ok(depths.every((depth) => depth === 1));
});

Deno.test("a plugin that captures for every event, its own too, is cut after five rounds", async () => {
  await using plugin = await start(`
    export async function onEvent(event) {
      for (let i = 0; i < 2; i++) await posthog.capture('more', {}).catch(() => {})
    }`);
  let round: { event: Record<string, unknown>; depth: number }[] = [{
    event: { ...eventsOf(1)[0], elements: [] },
    depth: 0,
  }];
  const sizes: number[] = [];
  for (let seen = 0; round.length > 0; seen += round.length) {
    await plugin.batch("onEvent", round.map(({ event }) => event), round.map(({ depth }) => depth));
    const all = await plugin.services.captured();
    round = all.slice(sizes.reduce((sum, size) => sum + size, 0)).map(({ event, record }) => ({
      event,
      depth: record.depth ?? 0,
    }));
    sizes.push(round.length);
  }
  assert.deepEqual(sizes, [2, 4, 4, 4, 4, 0]);
  assert.equal(plugin.services.notices.length, 2);
});

Deno.test("jobs carry the depth of the event that enqueued them, exportEvents the deepest of its batch", async () => {
  await using plugin = await start(`
    export async function onEvent(event, { jobs }) { await jobs.later({}).runNow() }
    export async function exportEvents(events, { jobs }) { await jobs.after({}).runNow() }
    export const jobs = { later() {}, after() {} }`);
  await plugin.batch("onEvent", eventsOf(1), [3]);
  await plugin.batch("exportEvents", eventsOf(3), [1, 4, 0]);
  const { results } = await plugin.services.store.jobs.list({ limit: 10 });
  assert.deepEqual(results.map(({ type, depth }) => [type, depth]).toSorted(), [["after", 4], ["later", 3]]);
});
