/**
 * Proves that events from outside become the plugin events that PostHog makes of them, whatever the types of their
 * fields.
 */

import { OriginalEvent } from "../../../runtime/events/original_event.ts";
import assert from "node:assert/strict";
import fc from "fast-check";
import type { PluginEvent } from "../../../runtime/events/event.ts";
import { type EventEnvelope, formPluginEvent } from "../../../runtime/events/form_plugin_event.ts";
import { addPersonProperties, normalizeEvent } from "../../../runtime/events/normalize_event.ts";

/** An event as it may come from outside: any type anywhere. */
function event(fields: Record<string, unknown> = {}): PluginEvent {
  return { event: "e", distinct_id: "d", ...fields } as unknown as PluginEvent;
}

const envelope: EventEnvelope = {
  uuid: "017d37c1-f285-0000-0e8b-e02d131925dc",
  distinct_id: "id",
  ip: "",
  site_url: "http://example.com",
  team_id: 2,
  now: "2020-02-23T02:15:00.000Z",
  sent_at: "2020-02-23T02:14:00.000Z",
};

Deno.test("EV-01 EV-02 EV-03 normalizeEvent() makes distinct_id a string", () => {
  for (const [given, text] of [["abc", "abc"], [123, "123"], [true, "true"]] as const) {
    assert.equal(normalizeEvent(event({ distinct_id: given })).distinct_id, text);
  }
});
Deno.test("EV-04 normalizeEvent() adds properties", () => {
  assert.deepEqual(normalizeEvent(event()).properties, {});
  assert.deepEqual(normalizeEvent(event({ properties: { a: 1 } })).properties, { a: 1 });
  assert.deepEqual(normalizeEvent(event({ properties: "text" })).properties, {});
});
Deno.test("EV-05 normalizeEvent() merges $set and $set_once, the event's own first", () => {
  const normal = normalizeEvent(event({
    $set: { key1: "value1", key2: "value2" },
    $set_once: { key1_once: "value1", key2_once: "value2" },
    properties: { $set: { key1: "other", key3: "value4" }, $set_once: { key1_once: "other", key3_once: "value4" } },
  }));
  assert.deepEqual(normal.properties, {
    $set: { key1: "value1", key2: "value2", key3: "value4" },
    $set_once: { key1_once: "value1", key2_once: "value2", key3_once: "value4" },
  });
});
Deno.test("EV-06 formPluginEvent() joins what was sent and what the server knows", () => {
  const sent = {
    event: "default event",
    timestamp: "2020-02-23T02:15:00Z",
    type: "t",
    $set: { a: 1 },
    $set_once: { b: 2 },
  };
  assert.deepEqual(formPluginEvent({ ...sent }, envelope), {
    ...sent,
    ...envelope,
    ip: null,
    properties: { $set: { a: 1 }, $set_once: { b: 2 } },
  });
});
Deno.test("EV-07 formPluginEvent() does not let the event override what the server knows", () => {
  const risky = { uuid: "x", distinct_id: "x", ip: "x", site_url: "x", team_id: 9, now: "x", sent_at: "x" };
  const formed = formPluginEvent({ event: "e", ...risky }, envelope);
  assert.deepEqual(formed, { event: "e", ...envelope, ip: null, properties: {} });
  const { sent_at: _, ...unsent } = envelope;
  assert.equal("sent_at" in formPluginEvent({ event: "e", ...risky }, unsent), false);
});
Deno.test("PU-01 addPersonProperties() takes campaign and first values from the properties", () => {
  const properties = {
    distinct_id: 2,
    $browser: "Chrome",
    $current_url: "https://test.com",
    $os: "Mac OS X",
    $browser_version: "95",
    $referring_domain: "https://google.com",
    $referrer: "https://google.com/?q=posthog",
    utm_medium: "twitter",
    gclid: "GOOGLE ADS ID",
    $elements: [{ tag_name: "a" }],
    $set: { own: 1 },
  };
  const enriched: Record<string, unknown> = structuredClone(properties);
  addPersonProperties(enriched);
  assert.deepEqual(enriched, {
    ...properties,
    $set: { own: 1, utm_medium: "twitter", gclid: "GOOGLE ADS ID" },
    $set_once: {
      $initial_browser: "Chrome",
      $initial_current_url: "https://test.com",
      $initial_os: "Mac OS X",
      $initial_browser_version: "95",
      $initial_referring_domain: "https://google.com",
      $initial_referrer: "https://google.com/?q=posthog",
      $initial_utm_medium: "twitter",
      $initial_gclid: "GOOGLE ADS ID",
    },
  });
});
Deno.test("addPersonProperties() fills gaps and leaves what the SDK or a plugin said", () => {
  const properties = {
    $current_url: "https://test.com/pricing",
    utm_source: "newsletter",
    $set: { utm_source: "first" },
    $set_once: { $initial_current_url: "https://test.com/landing", $initial_utm_source: "ad" },
  };
  const enriched = structuredClone(properties);
  addPersonProperties(enriched);
  assert.deepEqual(enriched, properties);
});
Deno.test("addPersonProperties() lets what it derived follow the property when a plugin changed that", () => {
  const before = { properties: { $current_url: "https://test.com/?email=a", utm_source: "x" } };
  const properties = {
    $current_url: "https://test.com/",
    utm_source: "y",
    $set: { utm_source: "x" },
    $set_once: { $initial_current_url: "https://test.com/?email=a", $initial_utm_source: "said by the client" },
  };
  addPersonProperties(properties, new OriginalEvent(new TextEncoder().encode(JSON.stringify(event(before)))));
  assert.deepEqual(properties.$set, { utm_source: "y" });
  assert.deepEqual(properties.$set_once, {
    $initial_current_url: "https://test.com/",
    $initial_utm_source: "said by the client",
  });
});
Deno.test("PU-02 addPersonProperties() touches $set_once alone without a campaign", () => {
  const properties = { $current_url: "https://test.com" };
  addPersonProperties(properties);
  assert.deepEqual(properties, {
    $current_url: "https://test.com",
    $set_once: { $initial_current_url: "https://test.com" },
  });
});
Deno.test("normalizeEvent() does not enrich recordings", () => {
  const properties = { $browser: "Chrome" };
  assert.deepEqual(normalizeEvent(event({ event: "$snapshot", properties: { ...properties } })).properties, properties);
});
Deno.test("normalizeEvent() a second time changes nothing, and no event makes it throw", () => {
  const value = fc.oneof(fc.jsonValue(), fc.dictionary(fc.string(), fc.jsonValue()));
  const fields = fc.record({
    distinct_id: value,
    properties: fc.oneof(value, fc.record({ $set: value, $set_once: value, utm_source: value, $browser: value })),
    $set: value,
    $set_once: value,
  }, { requiredKeys: [] });
  fc.assert(fc.property(fields, (given) => {
    const once = normalizeEvent(event(structuredClone(given)));
    assert.deepEqual(normalizeEvent(structuredClone(once)), once);
  }));
});
