/** Proves that everything the real posthog-node sends is stored once, in order and unchanged. */

import assert from "node:assert/strict";
import { PostHog, type PostHogOptions } from "posthog-node";
import type { PluginEvent } from "../../../../runtime/events/event.ts";
import { type EventLog, LogFullError, type LogRecord } from "../../../../host/log/event_log.ts";
import { openSqliteEventLog } from "../../../../host/log/sqlite_event_log.ts";
import { temporaryFolder } from "../../../kit/temporary_folder.ts";
import { startCaptureService, TOKEN } from "../../../kit/capture_service.ts";

/** Lets the real SDK send what it is told to, and returns what was stored. */
async function sent(
  options: PostHogOptions,
  use: (client: PostHog) => void | Promise<void>,
  create = (options: PostHogOptions) => new PostHog(TOKEN, options),
): Promise<PluginEvent[]> {
  await using service = await startCaptureService(undefined, { now: Date.now });
  await using server = service.listen();
  const errors: unknown[] = [];
  const client = create({ host: server.url, fetchRetryCount: 0, ...options });
  client.on("error", (error: unknown) => errors.push(error));
  await use(client);
  await client.shutdown();
  assert.deepEqual(errors, []);
  return await service.events();
}

function captureMany(client: PostHog, from: number, to: number): void {
  for (let i = from; i < to; i++) {
    client.capture({ distinctId: `user-${i % 50}`, event: "played", properties: { i, text: "ü💻" } });
  }
}

const numbers = (events: PluginEvent[]) =>
  events.map((event) => event.properties.i).toSorted((a, b) => Number(a) - Number(b));
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

Deno.test("SH-01 SH-04 posthog-node: 1,000 events in gzipped batches arrive once each", async () => {
  const events = await sent({ flushAt: 100 }, (client) => captureMany(client, 0, 1000));
  assert.deepEqual(numbers(events), upTo(1000));
  assert.equal(new Set(events.map(({ uuid }) => uuid)).size, 1000);
  for (const event of events) {
    assert.equal(event.event, "played");
    assert.equal(event.distinct_id, `user-${Number(event.properties.i) % 50}`);
    assert.equal(event.properties.text, "ü💻");
    assert.equal(event.properties.$lib, "posthog-node");
    assert.equal(typeof event.properties.$lib_version, "string");
    assert.ok(!Number.isNaN(Date.parse(event.timestamp ?? "")));
    assert.ok(!Number.isNaN(Date.parse(event.sent_at ?? "")));
  }
});

Deno.test("posthog-node: plain batches arrive", async () => {
  const events = await sent({ flushAt: 50, disableCompression: true }, (client) => captureMany(client, 0, 200));
  assert.deepEqual(numbers(events), upTo(200));
});

Deno.test("posthog-node: events of one distinct_id keep their order", async () => {
  const events = await sent({ flushAt: 10, maxBatchSize: 10 }, (client) => captureMany(client, 0, 500));
  const last = new Map<string, number>();
  for (const { distinct_id, properties } of events) {
    assert.ok(Number(properties.i) > (last.get(distinct_id) ?? -1));
    last.set(distinct_id, Number(properties.i));
  }
});

Deno.test("posthog-node: every other kind of call arrives", async () => {
  const events = await sent({}, async (client) => {
    client.identify({ distinctId: "a", properties: { email: "a@example.org", $set_once: { first: 1 } } });
    client.groupIdentify({ groupType: "company", groupKey: "c1", properties: { size: 3 }, distinctId: "a" });
    client.alias({ distinctId: "a", alias: "b" });
    client.captureException(new TypeError("broken"), "a");
    client.capture({ distinctId: "a", event: "in group", groups: { company: "c1" } });
    client.capture({ distinctId: "a", event: "$ai_generation", properties: { $ai_model: "m" } });
    client.capture({ distinctId: "a", event: "dated", timestamp: new Date("2020-02-03T04:05:06Z") });
    await client.captureImmediate({ distinctId: "a", event: "now" });
  });
  const byName = new Map(events.map((event) => [event.event, event]));
  assert.deepEqual(byName.get("$identify")?.properties.$set, { email: "a@example.org" });
  assert.deepEqual(byName.get("$identify")?.properties.$set_once, { first: 1 });
  assert.equal(byName.get("$groupidentify")?.properties.$group_key, "c1");
  assert.deepEqual(byName.get("$groupidentify")?.properties.$group_set, { size: 3 });
  assert.equal(byName.get("$create_alias")?.properties.alias, "b");
  assert.ok(JSON.stringify(byName.get("$exception")?.properties.$exception_list).includes("broken"));
  assert.deepEqual(byName.get("in group")?.properties.$groups, { company: "c1" });
  assert.equal(byName.get("$ai_generation")?.properties.$ai_model, "m");
  assert.equal(byName.get("dated")?.timestamp, "2020-02-03T04:05:06.000Z");
  assert.equal(byName.get("now")?.distinct_id, "a");
});

Deno.test("posthog-node: flags are none, and local evaluation has nothing to do", async () => {
  await sent({ personalApiKey: "phx_any", featureFlagsPollingInterval: 60_000 }, async (client) => {
    assert.deepEqual(await client.getAllFlags("a"), {});
    assert.equal(await client.isFeatureEnabled("beta", "a", { sendFeatureFlagEvents: false }), undefined);
  });
});

Deno.test("posthog-node: an unknown token is an error that is not tried again", async () => {
  await using service = await startCaptureService();
  let requests = 0;
  await using server = service.listen();
  const client = new PostHog("phc_wrong", {
    host: server.url,
    fetchRetryDelay: 10,
    fetch: (url, init) => {
      requests++;
      return fetch(url, init as RequestInit);
    },
  });
  client.on("error", () => {});
  client.capture({ distinctId: "a", event: "e" });
  await client.shutdown();
  assert.equal(requests, 1);
  assert.deepEqual(await service.events(), []);
});

Deno.test("SH-06 posthog-node: AI events go to their own endpoint with the uuid they were given", async () => {
  const uuid = "017d37c1-f285-7000-8e8b-e02d131925dc";
  const events = await sent({}, (client) => {
    client.captureAi({
      distinctId: "a",
      event: "$ai_generation",
      uuid,
      properties: { $ai_input: "x".repeat(2_000_000) },
    });
    client.capture({ distinctId: "a", event: "other" });
  });
  assert.deepEqual(events.map(({ event }) => event).toSorted(), ["$ai_generation", "other"]);
  assert.equal(events.find(({ event }) => event === "$ai_generation")?.uuid, uuid);
});

Deno.test("SH-07 posthog-node: the V1 mode arrives as the older one does", async () => {
  // The SDK has no option for it, and reads the variable when it is made. Other tests may run beside this one.
  const create = (options: PostHogOptions) => {
    Deno.env.set("POSTHOG_CAPTURE_MODE", "v1");
    try {
      return new PostHog(TOKEN, options);
    } finally {
      Deno.env.delete("POSTHOG_CAPTURE_MODE");
    }
  };
  const use = (client: PostHog) => {
    captureMany(client, 0, 200);
    client.identify({ distinctId: "a", properties: { email: "a@example.org" } });
  };
  const events = await sent({ flushAt: 50 }, use, create);
  const played = events.filter(({ event }) => event === "played");
  assert.deepEqual(numbers(played), upTo(200));
  assert.equal(played[0]?.properties.$lib, "posthog-node");
  const identify = events.find(({ event }) => event === "$identify");
  assert.deepEqual(identify?.properties.$set, { email: "a@example.org" });
});

Deno.test("SH-02 SH-03 posthog-node: what was refused with 503 comes again, with its uuids and times, and is there once", async () => {
  await using folder = await temporaryFolder();
  await using log = await openSqliteEventLog({ path: folder.file("log.sqlite"), synchronous: "off" });
  // The disk is full for a moment.
  const refused: LogRecord[][] = [];
  const append: EventLog["append"] = (topic, project, records) => {
    if (refused.push(records) <= 2) return Promise.reject(new LogFullError(100, 100));
    return log.append(topic, project, records);
  };
  await using service = await startCaptureService(undefined, { log: { append } });
  await using server = service.listen();
  const client = new PostHog(TOKEN, { host: server.url, fetchRetryDelay: 1, fetchRetryCount: 5 });
  captureMany(client, 0, 10);
  await client.shutdown();

  const identify = (record: LogRecord) => {
    const { uuid, timestamp, properties }: PluginEvent = JSON.parse(new TextDecoder().decode(record.event));
    return { uuid, timestamp, i: properties.i };
  };
  const stored = (await log.read("inbox", 1, "", { maxEvents: 100, maxBytes: 1e6 })).map(identify);
  assert.equal(stored.length, 10);
  assert.equal(refused.length, 3);
  for (const attempt of refused) assert.deepEqual(attempt.map(identify), stored);
});
