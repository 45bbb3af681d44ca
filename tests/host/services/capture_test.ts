/** Proves that `posthog.capture` appends the event that PostHog would, and cuts loops and floods. */

import assert from "node:assert/strict";
import type { Cause } from "../../../host/services/services.ts";
import { parseUuid } from "../../../runtime/events/uuid.ts";
import { eventCause, IDENTITY, openTestServices, OTHER } from "../../../testing/plugin_services.ts";

Deno.test("VM-34 posthog.capture appends the event to the inbox, by default as the plugin itself", async () => {
  await using services = await openTestServices();
  await services.of({ pluginName: "" })["posthog.capture"](["my-new-event", { random: 1 }], OTHER);
  await services.call("posthog.capture", ["second", {}]);
  const [first, second] = await services.captured();
  assert.deepEqual(first?.event, {
    uuid: first?.event.uuid,
    event: "my-new-event",
    distinct_id: "plugin-id-39",
    team_id: 2,
    properties: { $lib: "posthog-plugin-server", $lib_version: "0.0.0", distinct_id: "plugin-id-39", random: 1 },
    ip: null,
    site_url: null,
    timestamp: "2021-01-20T12:00:00.000Z",
    now: "2021-01-20T12:00:00.000Z",
    sent_at: "2021-01-20T12:00:00.000Z",
  });
  assert.match(String(first?.event.uuid), /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  assert.equal(first?.record.key, "plugin-id-39");
  assert.equal(second?.event.distinct_id, IDENTITY.pluginName);
});

Deno.test("VM-35 posthog.capture moves the property timestamp to the event, as given", async () => {
  await using services = await openTestServices();
  await services.call("posthog.capture", ["e", { timestamp: "2020-02-02T23:59:59.999Z" }]);
  await services.call("posthog.capture", ["e", { timestamp: "no date" }]);
  await services.call("posthog.capture", ["e", { timestamp: 1e12 }]);
  const [first, second, third] = await services.captured();
  assert.equal(third?.event.timestamp, "2001-09-09T01:46:40.000Z");
  assert.equal(first?.event.timestamp, "2020-02-02T23:59:59.999Z");
  assert.equal(first?.event.now, "2020-02-02T23:59:59.999Z");
  assert.equal(Object.hasOwn(first?.event.properties as object, "timestamp"), false);
  assert.equal(second?.event.now, "2021-01-20T12:00:00.000Z");
});

Deno.test("VM-36 posthog.capture takes the user's own distinct id", async () => {
  await using services = await openTestServices();
  await services.call("posthog.capture", ["e", { distinct_id: "custom id", $lib: "mine" }]);
  await services.call("posthog.capture", ["e", { distinct_id: 42 }]);
  await services.call("posthog.capture", ["e", { distinct_id: "x".repeat(300) }]);
  await services.call("posthog.capture", ["e", { distinct_id: 0 }]);
  await services.call("posthog.capture", ["e", { distinct_id: null }]);
  const events = (await services.captured()).map(({ event }) => event);
  assert.equal(events[0]?.distinct_id, "custom id");
  assert.deepEqual(events[0]?.properties, { $lib: "mine", $lib_version: "0.0.0", distinct_id: "custom id" });
  assert.equal(events[1]?.distinct_id, "42");
  assert.equal(String(events[2]?.distinct_id).length, 200);
  assert.equal(events[3]?.distinct_id, "0");
  assert.equal(events[4]?.distinct_id, IDENTITY.pluginName);
});

Deno.test("posthog.capture cuts a loop: a record is one deeper than its cause, beyond depth 5 it is refused and said once", async () => {
  await using services = await openTestServices();
  for (let depth = 0; depth < 5; depth++) await services.call("posthog.capture", ["again", {}], eventCause(depth));
  assert.deepEqual((await services.captured()).map(({ record }) => record.depth), [1, 2, 3, 4, 5]);
  await assert.rejects(services.call("posthog.capture", ["again", {}], eventCause(5)), { name: "ServiceLimitError" });
  await assert.rejects(services.call("posthog.capture", ["again", {}], { kind: "job", depth: 5, captured: 0 }));
  assert.equal((await services.captured()).length, 5);
  assert.equal(services.notices.length, 1);
  assert.match(services.notices[0] ?? "", /capture number 6 in a chain/);
});

Deno.test("posthog.capture refuses more than 100 events because of one event, and none of a task", async () => {
  await using services = await openTestServices();
  const cause = eventCause();
  for (let count = 0; count < 100; count++) await services.call("posthog.capture", ["more", {}], cause);
  await assert.rejects(
    services.call("posthog.capture", ["more", {}], cause),
    /captured 100 events because of one event/,
  );
  await services.call("posthog.capture", ["more", {}], eventCause());
  const task = { kind: "task", depth: 0, captured: 0 } as const;
  for (let count = 0; count < 150; count++) await services.call("posthog.capture", ["import", {}], task);
  assert.equal((await services.captured()).length, 251);
});

Deno.test("posthog.capture refuses what is no event, and events that are too large", async () => {
  await using services = await openTestServices({ eventChars: 1000 });
  await assert.rejects(services.call("posthog.capture", [{}, {}]), TypeError);
  await assert.rejects(services.call("posthog.capture", ["", {}]), /expected the event's name/);
  await assert.rejects(services.call("posthog.capture", ["e", []]), /expected the properties to be an object/);
  await assert.rejects(services.call("posthog.capture", ["e", { long: "x".repeat(1000) }]), /at most 1000 are taken/);
  assert.equal((await services.captured()).length, 0);
});

Deno.test("posthog.capture lets an event cause a tenth as many events for each capture that lies behind it", async () => {
  await using services = await openTestServices();
  const letThrough = async (cause: Cause) => {
    const captures = Array.from({ length: 150 }, () => services.call("posthog.capture", ["again", {}], cause));
    return (await Promise.allSettled(captures)).filter(({ status }) => status === "fulfilled").length;
  };
  for (const [depth, most] of [[0, 100], [1, 10], [2, 1], [4, 1], [5, 0]] as const) {
    assert.equal(await letThrough({ kind: "event", depth, captured: 0 }), most, `an event of depth ${depth}`);
    if (depth > 0) assert.equal(await letThrough({ kind: "job", depth, captured: 0 }), most, `a job of depth ${depth}`);
  }
  assert.equal(await letThrough({ kind: "job", depth: 0, captured: 0 }), 150);
});

Deno.test("what a plugin captures without a known cause is bounded, however it goes about it; events of SDKs have bounds of their own", async () => {
  await using services = await openTestServices();
  let refused = 0;
  for (let n = 0; n < 300; n++) {
    await services.call("posthog.capture", ["again", {}], { ...OTHER }).catch(() => refused++);
  }
  assert.equal((await services.captured()).length, 100);
  assert.equal(refused, 200);
  await services.call("posthog.capture", ["derived", {}], eventCause(0));
  await services.call("posthog.capture", ["imported", {}], { kind: "task", depth: 0, captured: 0 });
  assert.equal((await services.captured()).length, 102);
});

Deno.test("what is captured again for the same event keeps its uuid, what is captured twice at once does not", async () => {
  await using services = await openTestServices();
  for (let run = 0; run < 2; run++) {
    const cause = { ...eventCause(), occasion: "processEvent 7@1000" };
    for (const n of [1, 2, 2]) await services.call("posthog.capture", ["again", { n }], cause);
    services.time += 5000;
  }
  const uuids = (await services.captured()).map(({ event }) => event.uuid);
  assert.deepEqual(uuids.slice(3), uuids.slice(0, 3));
  assert.equal(new Set(uuids).size, 3);
  assert.ok(uuids.every((uuid) => parseUuid(String(uuid)) === uuid));
});
