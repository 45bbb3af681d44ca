/** Proves that an event is sent on to PostHog as an SDK would have sent it, without what this service added. */

import assert from "node:assert/strict";
import { toPosthogEvent } from "../../../../host/destinations/posthog/posthog_event.ts";

function forward(event: Record<string, unknown>, ownToken?: string): Record<string, unknown> {
  const bytes = new TextEncoder().encode(JSON.stringify(event));
  return JSON.parse(toPosthogEvent(bytes, "phc_there", ownToken).json);
}

const EVENT = {
  uuid: "01890000-0000-7000-8000-000000000001",
  event: "$identify",
  distinct_id: "user-1",
  team_id: 1,
  properties: { $anon_distinct_id: "anon", $plugins_succeeded: ["GeoIP (3)"], $set: { a: 1 } },
  ip: "203.0.113.7",
  site_url: "https://here.example",
  now: "2026-03-01T12:00:05.000Z",
  sent_at: "2026-03-01T12:00:04.000Z",
  offset: 500,
  timestamp: "2026-03-01T12:00:01.000Z",
  $set: { a: 1 },
  $set_once: { b: 2 },
  type: "identify",
  library: "posthog-node",
};

Deno.test("toPosthogEvent() keeps what SDKs send, and leaves out what the service added", () => {
  assert.deepEqual(forward(EVENT), {
    uuid: "01890000-0000-7000-8000-000000000001",
    event: "$identify",
    distinct_id: "user-1",
    properties: {
      $anon_distinct_id: "anon",
      $plugins_succeeded: ["GeoIP (3)"],
      $set: { a: 1 },
      $ip: "203.0.113.7",
    },
    timestamp: "2026-03-01T12:00:01.000Z",
    $set: { a: 1 },
    $set_once: { b: 2 },
    type: "identify",
    library: "posthog-node",
  });
});

Deno.test("toPosthogEvent() leaves out fields by which PostHog would compute another time or project", () => {
  const fields = forward({ ...EVENT, token: "phc_here", $token: "phc_here", api_key: "phc_here", $distinct_id: "x" });
  for (const name of ["sent_at", "offset", "token", "$token", "api_key", "$distinct_id", "now", "team_id", "ip"]) {
    assert.ok(!Object.hasOwn(fields, name), name);
  }
});

Deno.test("toPosthogEvent() says that there is no address rather than have ours taken", () => {
  assert.deepEqual(forward({ ...EVENT, ip: null, properties: {} }).properties, { $ip: null });
  // A plugin that removed the address is obeyed.
  assert.deepEqual(forward({ ...EVENT, properties: { $ip: null } }).properties, { $ip: null });
  assert.deepEqual(forward({ ...EVENT, properties: { $ip: "198.51.100.1" } }).properties, { $ip: "198.51.100.1" });
  assert.deepEqual(forward({ ...EVENT, properties: undefined }).properties, { $ip: "203.0.113.7" });
});

Deno.test("toPosthogEvent() replaces the project's own token among the properties, and no other", () => {
  const properties = { $ip: null, token: "phc_here" };
  assert.deepEqual(forward({ ...EVENT, properties }, "phc_here").properties, { $ip: null, token: "phc_there" });
  assert.deepEqual(forward({ ...EVENT, properties }, "phc_other").properties, properties);
  assert.deepEqual(forward({ ...EVENT, properties }).properties, properties);
});

Deno.test("toPosthogEvent() sends recordings and large AI events where SDKs send them", () => {
  const pathOf = (event: string, text = "") => {
    const bytes = new TextEncoder().encode(JSON.stringify({ event, properties: { text } }));
    return toPosthogEvent(bytes, "phc_there").path;
  };
  assert.equal(pathOf("$snapshot"), "/s/");
  assert.equal(pathOf("$pageview"), "/batch/");
  assert.equal(pathOf("$ai_generation"), "/batch/");
  assert.equal(pathOf("$ai_generation", "x".repeat(1_000_000)), "/i/v0/ai/batch/");
  assert.equal(pathOf("$pageview", "x".repeat(1_000_000)), "/batch/");
});

Deno.test("toPosthogEvent() throws for what is not an event", () => {
  for (const text of ["[]", "null", `"x"`, "{broken", ""]) {
    assert.throws(() => toPosthogEvent(new TextEncoder().encode(text), "phc_there"), Error);
  }
});
