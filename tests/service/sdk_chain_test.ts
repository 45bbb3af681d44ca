/** Proves that events of the real posthog-node and posthog-js pass three plugins in order and arrive in the outbox. */

import assert from "node:assert/strict";
import { PostHog, type PostHogOptions } from "posthog-node";
import { openPostHogPage } from "../kit/posthog_page.ts";
import { eventually } from "../kit/eventually.ts";
import { type RunningService, type ShownEvent, startTestService } from "../kit/service.ts";

const TOKEN = "phc_chain";

/** Three plugins in three styles; each adds itself, so that the order shows. */
const CHAIN = [
  {
    name: "First",
    inline: `export function processEvent(event) {
      event.properties.passed = ["first"];
      return event;
    }`,
  },
  {
    name: "Second",
    inline: `import type { PluginEvent } from "@posthog/plugin-scaffold";
    export async function processEvent(event: PluginEvent, { cache }): Promise<PluginEvent> {
      await cache.incr("seen");
      return { ...event, properties: { ...event.properties, passed: [...event.properties.passed, "second"] } };
    }`,
  },
  {
    name: "Third",
    inline: `module.exports = {
      processEventBatch(events) {
        return events.map((event) => {
          event.properties.passed.push("third");
          return event;
        });
      },
    };`,
  },
];
const MARKS = ["First (1)", "Second (2)", "Third (3)"];

function startChain(): Promise<RunningService> {
  const plugins = CHAIN.map(({ name, inline }, i) => ({ id: i + 1, order: i, source: { inline, name } }));
  return startTestService({ config: { projects: [{ id: 1, token: TOKEN, plugins }] } });
}

function assertPassed(event: ShownEvent): void {
  assert.deepEqual(event.properties.passed, ["first", "second", "third"], event.event);
  assert.deepEqual(event.properties.$plugins_succeeded, MARKS, event.event);
  assert.deepEqual(event.properties.$plugins_failed, [], event.event);
}

async function send(url: string, options: PostHogOptions, use: (client: PostHog) => void): Promise<void> {
  const errors: unknown[] = [];
  const client = new PostHog(TOKEN, { host: url, fetchRetryCount: 0, ...options });
  client.on("error", (error: unknown) => errors.push(error));
  use(client);
  await client.shutdown();
  assert.deepEqual(errors, []);
}

Deno.test("SH-01 SH-04 the service: 1,000 events of posthog-node come out of the outbox changed by three plugins", async () => {
  await using service = await startChain();
  const capture = (from: number, to: number) => (client: PostHog) => {
    for (let i = from; i < to; i++) {
      client.capture({ distinctId: `user-${i % 20}`, event: "played", properties: { i } });
    }
  };
  await send(service.url, { flushAt: 100 }, capture(0, 600));
  await send(service.url, { flushAt: 25, disableCompression: true }, capture(600, 996));
  await send(service.url, {}, (client) => {
    client.identify({ distinctId: "a", properties: { email: "a@example.org" } });
    client.groupIdentify({ groupType: "company", groupKey: "c1", properties: { size: 3 } });
    client.alias({ distinctId: "a", alias: "b" });
    client.captureException(new TypeError("broken"), "a");
  });
  const events = await service.events(1000);
  assert.equal(events.length, 1000);
  events.forEach(assertPassed);
  const played = events.filter(({ event }) => event === "played");
  assert.deepEqual(
    played.map(({ properties }) => Number(properties.i)).toSorted((a, b) => a - b),
    Array.from({ length: 996 }, (_, i) => i),
  );
  const last = new Map<string, number>();
  for (const { distinct_id, properties } of played) {
    assert.ok(Number(properties.i) > (last.get(distinct_id) ?? -1), `${distinct_id} lost its order`);
    last.set(distinct_id, Number(properties.i));
  }
  assert.deepEqual(
    events.map(({ event }) => event).filter((event) => event !== "played").toSorted(),
    ["$create_alias", "$exception", "$groupidentify", "$identify"],
  );
});

Deno.test("the service: the events of posthog-js in a page come out of the outbox changed by three plugins", async () => {
  await using service = await startChain();
  const script = `
    for (let i = 0; i < 100; i++) posthog.capture("played", { i });
    posthog.identify("user-1", { email: "a@example.org" });
    posthog.capture("last");`;
  await using _page = await openPostHogPage(service.url, TOKEN, {}, script);
  const events = await eventually("the page's events come out", async () => {
    const events = await service.events(0);
    return events.length >= 103 && events.some(({ event }) => event === "last") ? events : null;
  });
  events.forEach(assertPassed);
  assert.equal(events.filter(({ event }) => event === "played").length, 100);
  assert.equal(events.find(({ event }) => event === "$identify")?.distinct_id, "user-1");
});
