/**
 * Proves that the destination `posthog` delivers events with the meaning and order they would have had if an SDK had
 * sent them there. A second service stands in for PostHog.
 */

import assert from "node:assert/strict";
import { type EventMessage, PostHog } from "posthog-node";
import { eventually } from "../kit/eventually.ts";
import { type ShownEvent, startTestService } from "../kit/service.ts";

const HERE = "phc_here";
const THERE = "phc_there";

const PLUGIN = `export function processEvent(event) {
  event.properties.$set_once = { ...event.properties.$set_once, plugin: "was here" };
  event.properties.changed = true;
  return event;
}`;

/** A service that forwards to a second one, which stands in for PostHog and takes events as they come. */
async function startPair() {
  const there = await startTestService({ config: { projects: [{ id: 2, token: THERE }] } });
  const here = await startTestService({
    config: {
      projects: [{
        id: 1,
        token: HERE,
        plugins: [{ id: 1, source: { inline: PLUGIN, name: "Marker" } }],
        destinations: [{ id: "far", type: "posthog", host: there.url, api_key: THERE }],
      }],
    },
  });
  return {
    here,
    there,
    /** The events of both sides by uuid, once all have arrived. */
    async events(count: number): Promise<[ShownEvent, ShownEvent][]> {
      const sent = await here.events(count, 1);
      assert.equal(sent.length, count);
      // A kill may have an event arrive twice; PostHog keeps one per uuid.
      const arrived = await eventually(`all ${count} events arrive`, async () => {
        const events = await there.events(count, 2);
        const byUuid = new Map<string, ShownEvent>();
        for (const event of events) if (!byUuid.has(event.uuid)) byUuid.set(event.uuid, event);
        return byUuid.size === count ? byUuid : null;
      });
      assert.deepEqual(uuidsByPerson([...arrived.values()]), uuidsByPerson(sent));
      return sent.map((event) => {
        const other = arrived.get(event.uuid);
        assert.ok(other, `${event.event} did not arrive`);
        return [event, other];
      });
    },
    async [Symbol.asyncDispose]() {
      await here[Symbol.asyncDispose]();
      await there[Symbol.asyncDispose]();
    },
  };
}

/** Whose events are in which order. */
function uuidsByPerson(events: ShownEvent[]): Record<string, string[]> {
  const byPerson: Record<string, string[]> = {};
  for (const { distinct_id, uuid } of events) (byPerson[distinct_id] ??= []).push(uuid);
  return byPerson;
}

/** What makes an event the same event, and the same person, there. */
function meaning({ uuid, event, distinct_id, timestamp, properties, $set, $set_once }: ShownEvent) {
  // posthog-js puts the token among the properties: there, it is the key of the project there.
  const { token, ...others } = properties;
  return { uuid, event, distinct_id, timestamp, properties: others, $set, $set_once, hasToken: token !== undefined };
}

Deno.test("the destination posthog: every kind of call of posthog-node arrives as if sent there", async () => {
  await using pair = await startPair();
  const client = new PostHog(HERE, { host: pair.here.url, fetchRetryCount: 0 });
  const errors: unknown[] = [];
  client.on("error", (error: unknown) => errors.push(error));
  const event = (name: string, more: Partial<EventMessage> = {}) => ({ distinctId: "user-1", event: name, ...more });

  client.capture(event("plain", { properties: { text: "ü💻", nested: { list: [1, null, true] } } }));
  client.capture(event("dated", { timestamp: new Date("2021-02-03T04:05:06.789Z") }));
  client.capture(event("own uuid", { uuid: "01890000-0000-7000-8000-00000000cafe" }));
  client.capture(event("in groups", { groups: { company: "c1", team: "t1" } }));
  client.capture(event("located", { disableGeoip: false, properties: { $ip: "198.51.100.4" } }));
  client.capture(event("sets", { properties: { $set: { plan: "pro" }, $set_once: { first: "yes" } } }));
  client.capture(event("anonymous", { properties: { $process_person_profile: false } }));
  client.identify({ distinctId: "user-1", properties: { email: "a@example.org", $set_once: { seen: 1 } } });
  client.identify({ distinctId: "user-1", properties: { $anon_distinct_id: "anonymous-1" } });
  client.alias({ distinctId: "user-1", alias: "user-one" });
  client.groupIdentify({ groupType: "company", groupKey: "c1", properties: { size: 3 }, distinctId: "user-1" });
  client.setPersonProperties({ distinctId: "user-1", properties: { age: 40 }, propertiesOnce: { born: 1986 } });
  client.unsetPersonProperties({ distinctId: "user-1", properties: ["age"] });
  client.captureException(new TypeError("broken"), "user-1", { handled: true });
  client.captureAi(event("$ai_generation", { properties: { $ai_model: "m", $ai_input: "x".repeat(1_500_000) } }));
  await client.captureImmediate(event("at once"));
  await client.identifyImmediate({ distinctId: "user-2", properties: { plan: "free" } });
  await client.aliasImmediate({ distinctId: "user-2", alias: "user-two" });
  await client.groupIdentifyImmediate({ groupType: "company", groupKey: "c2", distinctId: "user-2" });
  await client.captureAiImmediate(event("$ai_trace", { properties: { $ai_span: "s" } }));
  await client.captureExceptionImmediate(new Error("at once"), "user-2");
  await client.shutdown();
  assert.deepEqual(errors, []);

  const pairs = await pair.events(21);
  for (const [sent, arrived] of pairs) {
    assert.deepEqual(meaning(arrived), meaning(sent));
    assert.equal(arrived.properties.changed, true);
    assert.deepEqual(arrived.properties.$plugins_succeeded, ["Marker (1)"]);
    assert.equal(arrived.team_id, 2);
  }
  const arrived = new Map(pairs.map(([, event]) => [event.event, event]));
  assert.match(arrived.get("dated")?.timestamp ?? "", /^2021-02-03T04:05:/);
  assert.equal(arrived.get("own uuid")?.uuid, "01890000-0000-7000-8000-00000000cafe");
  assert.equal(arrived.get("located")?.properties.$ip, "198.51.100.4");
  assert.equal(arrived.get("plain")?.properties.$ip, "127.0.0.1");
});

Deno.test("the destination posthog keeps the time that was computed here, however the client's clock was", async () => {
  await using pair = await startPair();
  const hour = 3_600_000;
  const now = Date.now();
  const iso = (time: number) => new Date(time).toISOString();
  await pair.here.capture({
    api_key: HERE,
    sent_at: iso(now - 5 * hour),
    batch: [
      { event: "slow clock", distinct_id: "a", timestamp: iso(now - 6 * hour) },
      { event: "zone", distinct_id: "a", timestamp: "2026-03-01T14:00:00+02:00" },
      {
        event: "unaltered",
        distinct_id: "a",
        timestamp: "2026-03-01T12:00:00Z",
        properties: { $ignore_sent_at: true },
      },
      { event: "no time", distinct_id: "a" },
    ],
  }, "/batch/");
  await pair.here.capture({ api_key: HERE, event: "offset", distinct_id: "a", offset: 2 * hour }, "/e/");
  await pair.here.capture({ api_key: HERE, event: "senseless", distinct_id: "a", timestamp: "yesterday" }, "/e/");
  const pairs = await pair.events(6);
  for (const [sent, arrived] of pairs) assert.equal(arrived.timestamp, sent.timestamp, sent.event);
  const times = new Map(pairs.map(([, { event, timestamp }]) => [event, Date.parse(timestamp)]));
  assert.ok(Math.abs((times.get("slow clock") ?? 0) - (now - hour)) < 60_000);
  assert.ok(Math.abs((times.get("offset") ?? 0) - (now - 2 * hour)) < 60_000);
});

Deno.test("the destination posthog loses nothing when the service is killed while it sends", async () => {
  await using pair = await startPair();
  const send = (from: number) =>
    pair.here.capture({
      api_key: HERE,
      batch: Array.from(
        { length: 100 },
        (_, index) => ({ event: "e", distinct_id: `u${index % 5}`, properties: { n: from + index } }),
      ),
    }, "/batch/");
  for (let round = 0; round < 2; round++) {
    await Promise.all([0, 1, 2].map((part) => send(round * 300 + part * 100)));
    await pair.here.end("SIGKILL");
    await pair.here.start();
  }
  const pairs = await pair.events(600);
  for (const [sent, arrived] of pairs) assert.deepEqual(meaning(arrived), meaning(sent));
});
