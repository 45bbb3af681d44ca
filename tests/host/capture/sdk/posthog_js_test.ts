/**
 * Proves that everything the real posthog-js sends from a page in Chromium is stored, across origins and when the page
 * closes.
 */

import assert from "node:assert/strict";
import type { PluginEvent } from "../../../../runtime/events/event.ts";
import { openPostHogPage } from "../../../kit/posthog_page.ts";
import { eventually } from "../../../kit/eventually.ts";
import { startCaptureService, TOKEN } from "../../../kit/capture_service.ts";

/** Opens the page in Chromium, and returns what was stored once it is enough. */
async function sent(
  options: Record<string, unknown>,
  script: string,
  enough: (events: PluginEvent[]) => boolean,
): Promise<PluginEvent[]> {
  await using service = await startCaptureService(undefined, { now: Date.now });
  await using server = service.listen();
  await using _page = await openPostHogPage(server.url, TOKEN, options, script);
  return await eventually("the page's events are stored", async () => {
    const events = await service.events();
    return enough(events) ? events : null;
  });
}

const has = (...names: string[]) => (events: PluginEvent[]) =>
  names.every((name) => events.some(({ event }) => event === name));

Deno.test("posthog-js: a page's events arrive across origins, gzipped, with what it knows of the page", async () => {
  const script = `
    for (let i = 0; i < 300; i++) posthog.capture("played", { i, text: "ü💻" });
    posthog.identify("user-1", { email: "a@example.org" }, { first: 1 });
    posthog.group("company", "c1", { size: 3 });
    posthog.setPersonProperties({ plan: "big" });
    posthog.captureException(new TypeError("broken"));
    posthog.capture("last");
    // Autocapture begins when the configuration has arrived.
    setInterval(() => document.getElementById("buy").click(), 250);`;
  const events = await sent(
    {},
    script,
    (events) =>
      has("last", "$identify", "$groupidentify", "$set", "$exception", "$pageview", "$autocapture")(events) &&
      events.filter(({ event }) => event === "played").length >= 300,
  );
  const played = events.filter(({ event }) => event === "played");
  assert.deepEqual(
    played.map(({ properties }) => properties.i).toSorted((a, b) => Number(a) - Number(b)),
    Array.from({ length: 300 }, (_, i) => i),
  );
  for (const { properties, distinct_id, timestamp, sent_at, ip } of played) {
    assert.equal(properties.$lib, "web");
    assert.equal(properties.text, "ü💻");
    assert.match(String(properties.$current_url), /utm_source=test/);
    assert.deepEqual(properties.$active_feature_flags, []);
    assert.ok(distinct_id.length > 10);
    assert.ok(Math.abs(Date.parse(timestamp ?? "") - Date.now()) < 60_000);
    assert.ok(sent_at === undefined || Math.abs(Date.parse(sent_at) - Date.now()) < 60_000);
    assert.equal(ip, "127.0.0.1");
  }
  const named = (name: string) => events.find(({ event }) => event === name);
  const identify = named("$identify");
  assert.equal(identify?.distinct_id, "user-1");
  assert.equal((identify?.properties.$set as Record<string, unknown>).email, "a@example.org");
  assert.equal(identify?.properties.$anon_distinct_id, played[0]?.distinct_id);
  assert.deepEqual(named("$groupidentify")?.properties.$group_set, { size: 3 });
  assert.equal((named("$set")?.properties.$set as Record<string, unknown>).plan, "big");
  assert.ok(JSON.stringify(named("$exception")?.properties.$exception_list).includes("broken"));
  assert.equal((named("$pageview")?.properties.$set_once as Record<string, unknown>).$initial_utm_source, "test");
  assert.match(String(named("$autocapture")?.properties.$elements_chain), /^button\.big\.red/);
});

Deno.test("posthog-js: uncompressed requests with their preflight arrive, by fetch and by XHR", async () => {
  const script = `
    posthog.capture("plain");
    posthog.capture("at once", {}, { send_instantly: true });
    posthog.capture("by XHR", {}, { transport: "XHR" });`;
  const events = await sent({ disable_compression: true }, script, has("plain", "at once", "by XHR"));
  assert.ok(events.every(({ properties }) => properties.$lib === "web"));
});

Deno.test("posthog-js: what is left when the page is closed arrives by sendBeacon", async () => {
  const script = `
    setTimeout(() => {
      posthog.capture("leaving");
      location.href = "/next";
    }, 300);`;
  for (const disable_compression of [false, true]) {
    const options = { disable_compression, request_queue_config: { flush_interval_ms: 5000 } };
    const events = await sent(options, script, has("leaving", "$pageleave"));
    assert.equal(events.filter(({ event }) => event === "leaving").length, 1);
  }
});

Deno.test("posthog-js: pages with tracing tools, which add headers of their own, lose no event and no flags", async () => {
  const events = await sent(
    {
      request_headers: {
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        baggage: "sentry-environment=production",
        "sentry-trace": "771a43a4192642f0b136d5159a501700-7b2f4f1ac5d2b3a8-1",
        "x-made-up-today": "1",
      },
    },
    `posthog.onFeatureFlags((flags, variants, { errorsLoading } = {}) => posthog.capture("flags", { errorsLoading }));
    posthog.reloadFeatureFlags();
    posthog.getSurveys((surveys, { isLoaded } = {}) => posthog.capture("surveys", { surveys, isLoaded }), true);`,
    has("flags", "surveys", "$pageview"),
  );
  const propertiesOf = (name: string) => events.find(({ event }) => event === name)?.properties;
  assert.notEqual(propertiesOf("flags")?.errorsLoading, true);
  assert.deepEqual(propertiesOf("surveys")?.surveys, []);
  assert.equal(propertiesOf("surveys")?.isLoaded, true);
});
