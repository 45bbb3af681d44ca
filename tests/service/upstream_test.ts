/**
 * The whole service in front of a PostHog that the test stands in for: capture goes through plugins, everything else
 * passes.
 */

import assert from "node:assert/strict";
import { PostHog } from "posthog-node";
import { eventually } from "../kit/eventually.ts";
import { startPostHog } from "../kit/servers/posthog.ts";
import { ADMIN_TOKEN, startTestService } from "../kit/service.ts";

const KEY = "phc_project_key";

function startStandIn() {
  const events: { key: string; event: string; properties: Record<string, unknown> }[] = [];
  const paths: string[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    paths.push(pathname);
    if (pathname === "/batch/") {
      const bytes = new Uint8Array(await request.arrayBuffer());
      const packed = bytes[0] === 0x1f;
      const stream = new Blob([bytes]).stream();
      const text = await new Response(packed ? stream.pipeThrough(new DecompressionStream("gzip")) : stream).text();
      const { api_key: key, batch } = JSON.parse(text);
      for (const event of batch) events.push({ ...event, key });
      return Response.json({ status: 1 });
    }
    await request.body?.cancel();
    if (pathname.startsWith("/flags")) {
      return Response.json({
        flags: {
          "new-page": {
            key: "new-page",
            enabled: true,
            variant: "b",
            reason: { code: "x", description: "x" },
            metadata: { id: 1, version: 1, payload: '{"a":1}' },
          },
        },
        errorsWhileComputingFlags: false,
        requestId: "r",
      });
    }
    if (pathname === "/made/up/later") return new Response("from PostHog");
    return new Response("not found", { status: 404 });
  });
  return {
    events,
    paths,
    host: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("in front of PostHog events pass the plugins, flags and everything else pass as they are", {
  sanitizeOps: false,
  sanitizeResources: false,
}, async () => {
  await using posthog = startStandIn();
  const inline =
    `export const processEvent = (event) => ({ ...event, properties: { ...event.properties, seen: true } })`;
  await using service = await startTestService({
    config: {
      projects: [{
        id: 1,
        token: KEY,
        upstream: { type: "posthog", host: posthog.host },
        plugins: [{ id: 1, source: { inline, name: "mark" } }],
        destinations: [{ id: "cloud", type: "posthog" }],
      }],
    },
  });
  const client = new PostHog(KEY, { host: service.url, flushAt: 1 });
  assert.equal(await client.getFeatureFlag("new-page", "me"), "b");
  assert.deepEqual(await client.getAllFlags("me"), { "new-page": "b" });
  client.capture({ distinctId: "me", event: "bought" });
  await client.shutdown();
  const bought = await eventually(
    "the event is at PostHog",
    () => posthog.events.find(({ event }) => event === "bought"),
  );
  assert.equal(bought.properties.seen, true);

  assert.equal(await (await fetch(`${service.url}/made/up/later`)).text(), "from PostHog");
  assert.ok(!posthog.paths.some((path) => path.startsWith("/_")), "an operator's path passed");
  const health = await fetch(`${service.url}/_health`);
  await health.body?.cancel();
  assert.equal(health.status, 200);

  const beacon = await fetch(`${service.url}//e/?beacon=1`, {
    method: "POST",
    body: JSON.stringify({ api_key: KEY, event: "left", distinct_id: "me", properties: { $lib: "web" } }),
  });
  assert.deepEqual([beacon.status, await beacon.text()], [204, ""]);
  const left = await eventually("the beacon is at PostHog", () => posthog.events.find(({ event }) => event === "left"));
  assert.equal(left.properties.$active_feature_flags, undefined);
});

Deno.test("two settings put PostHog behind a service that has no configuration file", {
  sanitizeOps: false,
  sanitizeResources: false,
}, async () => {
  await using posthog = startStandIn();
  await using service = await startTestService({
    env: { HOGPEN_POSTHOG_HOST: posthog.host, HOGPEN_POSTHOG_PROJECT_API_KEY: KEY },
  });
  await service.capture({ api_key: KEY, event: "hello", distinct_id: "me" });
  await eventually("the event is at PostHog", () => posthog.events.find(({ event }) => event === "hello"));
});

Deno.test("a project made through the API has an upstream, which its destination follows", {
  sanitizeOps: false,
  sanitizeResources: false,
}, async () => {
  await using first = startStandIn();
  await using second = startStandIn();
  await using service = await startTestService();
  const upstream = { type: "posthog", host: first.host, api_key: "phc_there" };
  const made = await service.api<{ id: number; upstream: unknown }>("/_hogpen/api/projects", "POST", {
    name: "Shop",
    token: "phc_shop",
    anonymize_ips: true,
    upstream,
  });
  assert.deepEqual(made.upstream, upstream);
  const path = `/_hogpen/api/projects/${made.id}`;
  await service.api(`${path}/destinations`, "POST", { id: "cloud", type: "posthog" });
  const arrived = async (posthog: typeof first, event: string) => {
    await service.capture({ api_key: "phc_shop", event, distinct_id: "me" });
    return await eventually(`${event} is at PostHog`, () => posthog.events.find((each) => each.event === event));
  };
  assert.equal((await arrived(first, "one")).key, "phc_there");
  assert.equal(await (await fetch(`${service.url}/made/up/later`)).text(), "from PostHog");

  const changed = await service.api<{ anonymize_ips: boolean }>(path, "PATCH", {
    upstream: { type: "posthog", host: second.host },
  });
  assert.equal(changed.anonymize_ips, true, "what a PATCH leaves out stays");
  assert.equal((await arrived(second, "two")).key, "phc_shop");

  const refused = await fetch(`${service.url}${path}`, {
    method: "PATCH",
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    body: JSON.stringify({ upstream: { type: "posthog", host: "not an address" } }),
  });
  assert.deepEqual([refused.status, (await refused.json()).attr], [400, "upstream.host"]);
});

Deno.test("posthog-node evaluates flags itself by the definitions behind Hogpen, also with another token", {
  sanitizeOps: false,
  sanitizeResources: false,
}, async () => {
  await using posthog = startPostHog(["phc_there"]);
  await using service = await startTestService({
    config: {
      projects: [{
        id: 1,
        token: "phc_here",
        upstream: { type: "posthog", host: posthog.url, api_key: "phc_there" },
        destinations: [{ id: "cloud", type: "posthog" }],
      }],
    },
  });
  const client = new PostHog("phc_here", { host: service.url, personalApiKey: "phx_mine", flushAt: 1 });
  await client.waitForLocalEvaluationReady();
  assert.equal(client.isLocalEvaluationReady(), true);
  const before = posthog.asked.length;
  const local = await client.getAllFlagsAndPayloads("me", { onlyEvaluateLocally: true });
  assert.deepEqual([local.featureFlags, local.featureFlagPayloads], [{ local: true }, { local: { local: 1 } }]);
  assert.equal(posthog.asked.length, before, "it asked nobody");
  assert.equal(await client.getFeatureFlag("new-page", "me"), "b");
  await client.shutdown();

  const asked = (start: string) => posthog.asked.find(({ path }) => path.startsWith(start));
  assert.match(asked("/flags/definitions")?.path ?? "", /token=phc_there\b/);
  assert.equal(asked("/flags/definitions")?.headers.get("authorization"), "Bearer phx_mine");
  await eventually(
    "the call of the flag is at PostHog",
    () => posthog.events("phc_there").find(({ event }) => event === "$feature_flag_called"),
  );
});
