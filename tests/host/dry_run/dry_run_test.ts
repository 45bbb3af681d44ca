/**
 * Proves that a dry run shows everything a plugin does to events, storage, cache and jobs, and that none of it stays.
 */

import assert from "node:assert/strict";
import { openMemoryCache } from "../../../host/cache/memory_cache.ts";
import { diffEvents } from "../../../host/dry_run/event_diff.ts";
import { overlayCache } from "../../../host/dry_run/overlay_cache.ts";
import { overlayStorage } from "../../../host/dry_run/overlay_storage.ts";
import { openSqliteStore } from "../../../host/store/sqlite_store.ts";
import { temporaryFolder } from "../../kit/temporary_folder.ts";
import { startTestService } from "../../kit/service.ts";

interface Answer {
  plugins: {
    name: string;
    error: { message: string } | null;
    steps: {
      function: string;
      outcome: string;
      diff: { path: string; before?: unknown; after?: unknown }[];
      error: { name: string; message: string; stack?: string } | null;
      logs: { message: string }[];
      storage: { operation: string; key: string; value: unknown }[];
      cache: { operation: string; key: string; value: unknown }[];
      fetches: { url: string; method: string }[];
      captures: { event: string }[];
      jobs: { job: string; run_at: string }[];
      left_out: number;
      ms: number;
    }[];
  }[];
  events: { after: { properties: Record<string, unknown> } | null; dropped_by: number | null }[];
}

const BUSY = `
export async function setupPlugin({ storage }) { await storage.set("setup", true); }
export async function processEvent(event, { storage, cache, jobs, config, utils }) {
  if (event.event === "noise") return null;
  if (event.event === "bad") throw new Error("no such user");
  console.log("saw", event.event, config.secret.length);
  event.properties.count = ((await storage.get("count")) ?? 0) + 1;
  await storage.set("count", event.properties.count);
  event.properties.hits = await cache.incr("hits");
  await jobs.later({ a: 1 }).runIn(1, "hours");
  posthog.capture("derived", { from: event.event });
  const answer = await fetch("https://api.example.com/users?x=1");
  event.properties.fetched = (await answer.json()).id;
  event.properties.year = new Date().getUTCFullYear();
  return event;
}
export const jobs = { later() {} };
export function onEvent(event) { if (event.properties.count > 1) throw new Error("second"); }
`;

Deno.test("a dry run shows all that a plugin does, and nothing of it stays", async () => {
  await using service = await startTestService({
    config: {
      projects: [{
        id: 1,
        token: "phc_t",
        plugins: [
          {
            id: 1,
            order: 1,
            source: {
              inline: "export const processEvent = (e) => ({ ...e, properties: { ...e.properties, first: true } })",
            },
          },
          { id: 7, order: 2, source: { inline: BUSY }, config: { secret: "hush" }, egress: { allow: [] } },
        ],
      }],
    },
  });
  await service.capture({ api_key: "phc_t", event: "noise", distinct_id: "d" });
  const run = (body: unknown) => service.api<Answer>("/_hogpen/api/dry_run", "POST", body);
  const request = {
    plugin_config_id: 7,
    chain: true,
    events: [{ event: "a" }, { event: "b" }, { event: "noise" }, { event: "bad" }],
    fetch: [{ prefix: "https://api.example.com/", json: { id: 5 } }],
    clock: "2030-05-01T00:00:00Z",
  };
  const { plugins, events } = await run(request);
  assert.deepEqual(plugins.map(({ error, steps }) => [error, steps.length]), [[null, 4], [null, 8]]);
  const [setup, first, second, noise, bad] = plugins[1]!.steps;
  assert.deepEqual(setup!.storage, [{ operation: "set", key: "setup", value: "true" }]);
  assert.deepEqual(first!.diff, [
    { path: "/properties/count", after: 1 },
    { path: "/properties/hits", after: 1 },
    { path: "/properties/fetched", after: 5 },
    { path: "/properties/year", after: 2030 },
  ]);
  assert.deepEqual(first!.logs.map(({ message }) => message), ["saw a 4"]);
  assert.deepEqual(first!.fetches.map(({ method, url }) => `${method} ${url}`), [
    "GET https://api.example.com/users?x=1",
  ]);
  assert.deepEqual(first!.captures.map(({ event }) => event), ["derived"]);
  assert.deepEqual(first!.jobs.map(({ job }) => job), ["later"]);
  assert.deepEqual(first!.cache, [{ operation: "incr", key: "hits", value: 1 }]);
  assert(first!.ms > 0);
  assert.equal(second!.diff[0]!.after, 2, "it reads what it wrote in this run");
  assert.equal(noise!.outcome, "dropped");
  assert.deepEqual([bad!.outcome, bad!.error?.message], ["failed", "no such user"]);
  assert.match(bad!.error?.stack ?? "", /index\.[jt]s:5/);
  assert.deepEqual(events.map(({ dropped_by }) => dropped_by), [null, null, 7, null]);
  assert.equal(events[0]!.after?.properties["first"], true);
  assert.equal(plugins[1]!.steps.at(-2)!.error?.message, "second");

  const again = await run(request);
  assert.equal(again.plugins[1]!.steps[1]!.diff[0]!.after, 1, "the storage is as it was");
  const { results: jobs } = await service.api<{ results: unknown[] }>("/_hogpen/api/jobs");
  assert.equal(jobs.length, 0);

  const inline = await run({
    team_id: 1,
    source: { inline: "export function processEvent(e) { return null }" },
    uuids: [(await service.api<{ results: { uuid: string }[] }>("/_hogpen/api/dropped_events")).results[0]!.uuid],
  });
  assert.equal(inline.events[0]!.dropped_by, 0);
  const broken = await run({ team_id: 1, source: { inline: "export function (" }, events: [{}] });
  assert.notEqual(broken.plugins[0]!.error, null);
  const none = await run({ plugin_config_id: 7, events: [{ event: "x" }] });
  assert.match(none.plugins[0]!.steps[1]!.error?.message ?? "", /no fixture/);
});

Deno.test("a dry run keeps a bounded part of what a plugin does without end, and counts the rest", async () => {
  await using service = await startTestService();
  const inline = `export async function processEvent(event, { storage }) {
    for (let at = 0; at < 12_000; at++) await storage.set("key", "x".repeat(at % 3 === 0 ? 2000 : 1));
    return event;
  }`;
  const { plugins: [plugin] } = await service.api<Answer>("/_hogpen/api/dry_run", "POST", {
    team_id: 1,
    source: { inline },
    events: [{ event: "a" }, { event: "b" }],
  });
  assert.deepEqual(plugin?.steps.map(({ outcome }) => outcome), ["ok", "ok"]);
  const [first, second] = plugin!.steps;
  assert(first!.storage.length > 8_000 && first!.storage.length <= 10_000, `${first!.storage.length} are kept`);
  assert.equal(first!.storage.length + first!.left_out, 12_000);
  assert(second!.left_out > 10_000, "what is kept is bounded for all events together");
});

Deno.test("overlayStorage() reads through, and writes nothing to what lies below", async () => {
  await using folder = await temporaryFolder();
  await using store = await openSqliteStore({ path: folder.file("store.db"), synchronous: "off" });
  await store.storage.set(1, "a", "1");
  await store.storage.set(1, "b", '"x"');
  const overlay = overlayStorage(store.storage);
  assert.equal(await overlay.increment(1, "a", 2), 3);
  assert.equal(await overlay.increment(1, "new", 2), 2);
  await overlay.init(1, "a", "9");
  await overlay.init(1, "c", "9");
  await overlay.del(1, "b");
  await assert.rejects(overlay.set(1, "t", '"x"').then(() => overlay.increment(1, "t", 1)), /not a number/);
  assert.deepEqual(await overlay.all(1), { a: "3", new: "2", c: "9", t: '"x"' });
  assert.deepEqual(await store.storage.all(1), { a: "1", b: '"x"' });
});

Deno.test("overlayCache() copies what it touches, texts and lists, and changes nothing below", async () => {
  const base = openMemoryCache();
  await base.set("n", "4");
  await base.lpush("list", ["b", "a"]);
  const overlay = overlayCache(base, openMemoryCache());
  assert.equal(await overlay.incr("n"), 5);
  assert.equal(await overlay.lpush("list", ["z"]), 3);
  assert.deepEqual(await overlay.lrange("list", 0, -1), ["z", "a", "b"]);
  assert.deepEqual(await overlay.lpop("list", 2), ["z", "a"]);
  await overlay.expire("n", 0);
  assert.equal(await overlay.get("n"), null);
  assert.equal(await base.get("n"), "4");
  assert.deepEqual(await base.lrange("list", 0, -1), ["a", "b"]);
});

Deno.test("diffEvents() names what was added, changed and taken away by JSON pointer", () => {
  assert.deepEqual(diffEvents({ a: 1, b: { c: [1], "d/e": 2 } }, { b: { c: [2], f: null } }), [
    { path: "/a", before: 1 },
    { path: "/b/c", before: [1], after: [2] },
    { path: "/b/d~1e", before: 2 },
    { path: "/b/f", after: null },
  ]);
});
