/**
 * Proves with Segment's own SDK that its calls arrive as the events that PostHog makes of them; what other senders of
 * the same API do is tested by request.
 */

import assert from "node:assert/strict";
import { Analytics } from "@segment/analytics-node";
import { startCaptureService, TOKEN } from "../../../kit/capture_service.ts";

Deno.test(
  "Segment's SDK for Node sends every kind of call",
  { sanitizeOps: false, sanitizeResources: false },
  async () => {
    await using service = await startCaptureService(undefined, { now: Date.now });
    await using server = service.listen();
    const client = new Analytics({ writeKey: TOKEN, host: server.url, maxRetries: 0 });
    const errors: unknown[] = [];
    client.on("error", (error) => errors.push(error));
    const context = {
      ip: "1.2.3.4",
      page: { url: "https://shop.example/a?b" },
      campaign: { name: "spring", source: "x", medium: "m", term: "t", content: "c" },
    };
    client.identify({ userId: "u", anonymousId: "anon", traits: { plan: "pro" } });
    client.track({
      userId: "u",
      event: "Bought",
      properties: { price: 9 },
      context,
      timestamp: "2026-05-04T10:00:00Z",
    });
    client.page({ anonymousId: "anon", name: "Home", properties: { url: "https://shop.example/" } });
    client.screen({ userId: "u", name: "Start" });
    client.group({ userId: "u", groupId: "acme", traits: { size: 3 } });
    client.alias({ userId: "u", previousId: "old" });
    await client.closeAndFlush();
    assert.deepEqual(errors, []);

    const events = await service.events();
    assert.deepEqual(
      events.map(({ event, distinct_id }) => [event, distinct_id]),
      [["$identify", "u"], ["Bought", "u"], ["$pageview", "anon"], ["$screen", "u"], ["$groupidentify", "u"], [
        "$create_alias",
        "u",
      ]],
    );
    const [identify, bought, page, screen, group, alias] = events.map(({ properties }) => properties);
    assert.deepEqual([identify?.$set, identify?.$anon_distinct_id], [{ plan: "pro" }, "anon"]);
    assert.deepEqual(
      [bought?.price, bought?.$ip, bought?.$current_url, bought?.utm_campaign, bought?.utm_source, bought?.$lib],
      [9, "1.2.3.4", "https://shop.example/a?b", "spring", "x", "@segment/analytics-node"],
    );
    assert.match(events[1]?.timestamp ?? "", /^2026-05-04T10:00:0/);
    assert.deepEqual([page?.name, page?.$current_url], ["Home", "https://shop.example/"]);
    assert.equal(screen?.$screen_name, "Start");
    assert.deepEqual([group?.$group_type, group?.$group_key, group?.$group_set], ["segment_group", "acme", {
      size: 3,
    }]);
    assert.equal(alias?.alias, "old");
  },
);

Deno.test("single calls say by their path what they are, and the same call is the same event", async () => {
  await using service = await startCaptureService();
  const authorization = `Basic ${btoa(`${TOKEN}:`)}`;
  const call = { anonymousId: "a", event: "Seen", messageId: "ajs-next-17", properties: { n: 1 } };
  for (const path of ["/v1/track", "/v1/t", "/v1/track/"]) {
    const answer = await service.post(path, call, { authorization });
    assert.equal(answer.status, 200, await answer.text());
  }
  const answer = await service.post("/v1/identify", { writeKey: TOKEN, userId: "u", traits: { a: 1 } });
  assert.equal(answer.status, 200, await answer.text());
  const events = await service.events();
  assert.deepEqual(events.map(({ event }) => event), ["Seen", "Seen", "Seen", "$identify"]);
  assert.equal(new Set(events.slice(0, 3).map(({ uuid }) => uuid)).size, 1);
});

Deno.test("what is no call, or has a wrong key, is refused with the reason", async () => {
  await using service = await startCaptureService();
  for (
    const [path, body, status, words] of [
      ["/v1/batch", { writeKey: TOKEN, batch: [{ type: "shout" }] }, 400, /type "shout", expected one of track/],
      ["/v1/batch", { writeKey: TOKEN, batch: [{ type: "hasOwnProperty", event: "e" }] }, 400, /type "hasOwnProperty"/],
      ["/v1/t", { writeKey: TOKEN, type: "constructor", userId: "u", event: "e" }, 400, /type "constructor"/],
      ["/v1/track", { writeKey: "phc_other", userId: "u", event: "e" }, 401, /./],
      ["/v1/track", { userId: "u", event: "e" }, 401, /API key not provided/],
      ["/v1/track", [], 400, /Expected a call/],
    ] as const
  ) {
    const answer = await service.post(path, body);
    const { detail } = await answer.json();
    assert.equal(answer.status, status, detail);
    assert.match(detail, words);
  }
  assert.deepEqual(await service.events(), []);
});
