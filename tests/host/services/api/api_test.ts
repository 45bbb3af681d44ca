/**
 * Proves that `posthog.api` sends the requests that PostHog's sends, and never gives the operator's keys to another
 * host.
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { ApiRedirection, ApiResponse } from "../../../../runtime/protocol.ts";
import { createApiServices } from "../../../../host/services/api/api.ts";
import type { ApiSettings } from "../../../../host/services/api/api_settings.ts";
import { DEFAULT_SERVICE_LIMITS, type ServiceLimits } from "../../../../host/services/limits/service_limits.ts";
import { loadPlugin } from "../../../../host/loader/load_plugin.ts";
import { startFixturePlugin } from "../../../../testing/fixture_plugin.ts";
import { OTHER } from "../../../../testing/plugin_services.ts";

Deno.test("VM-30a posthog.api get sends the operator's keys to the operator's host", async () => {
  await using api = startApi();
  const response = await api.call("get", "/api/event");
  assert.deepEqual(api.requests[0], {
    method: "GET",
    url: "/api/event?token=THIS+IS+NOT+A+TOKEN+FOR+TEAM+2",
    authorization: "Bearer phx_operator",
    contentType: null,
    body: "",
  });
  assert.equal(response.status, 200);
  assert.equal(response.statusText, "OK");
  assert.ok(response.headers.some(([name, value]) => name === "x-test" && value === "yes"));
  assert.equal(Buffer.from(response.body, "base64").toString(), "hello");
});

Deno.test("VM-30b posthog.api get puts its data before the token", async () => {
  await using api = startApi();
  await api.call("get", "/api/event?a=b", { data: { url: "param", list: [1] } });
  assert.equal(
    api.requests[0]?.url,
    "/api/event?a=b&url=param&list=%5B1%5D&token=THIS+IS+NOT+A+TOKEN+FOR+TEAM+2",
  );
});

Deno.test("VM-30c posthog.api post sends JSON", async () => {
  await using api = startApi();
  await api.call("post", "/api/event", { data: { a: 1 }, headers: { "X-Mine": "1" } });
  assert.deepEqual(api.requests[0], {
    method: "POST",
    url: "/api/event?token=THIS+IS+NOT+A+TOKEN+FOR+TEAM+2",
    authorization: "Bearer phx_operator",
    contentType: "application/json",
    body: '{"a":1}',
  });
});

Deno.test("VM-30d posthog.api put and patch send JSON and, unlike PostHog's put, say so", async () => {
  await using api = startApi();
  await api.call("put", "/api/event", { data: { a: 1 } });
  await api.call("patch", "/api/event");
  assert.deepEqual(api.requests.map(({ body, contentType }) => [body, contentType]), [
    ['{"a":1}', "application/json"],
    ["{}", "application/json"],
  ]);
});

Deno.test("VM-30e posthog.api delete has no body; its data, unlike PostHog's, goes into the address", async () => {
  await using api = startApi();
  await api.call("delete", "/api/event");
  await api.call("delete", "/api/event", { data: { id: 1 } });
  assert.deepEqual(api.requests.map(({ url, body }) => [url, body]), [
    ["/api/event?token=THIS+IS+NOT+A+TOKEN+FOR+TEAM+2", ""],
    ["/api/event?id=1&token=THIS+IS+NOT+A+TOKEN+FOR+TEAM+2", ""],
  ]);
});

Deno.test("VM-30f posthog.api uses the plugin's own keys, both or none", async () => {
  await using api = startApi();
  await api.call("get", "/api/event", { projectApiKey: "token", personalApiKey: "secret" });
  assert.equal(api.requests[0]?.url, "/api/event?token=token");
  assert.equal(api.requests[0]?.authorization, "Bearer secret");
  await assert.rejects(api.call("get", "/api/event", { projectApiKey: "token" }), {
    message: "You must specify a personalApiKey if you specify a projectApiKey and vice-versa!",
  });
});

Deno.test("VM-30g posthog.api puts the project's id for the first @current", async () => {
  await using api = startApi();
  await api.call("get", "/api/projects/@current/event/@current");
  assert.match(api.requests[0]?.url ?? "", /^\/api\/projects\/2\/event\/@current\?/);
});

Deno.test("posthog.api says which setting is missing", async () => {
  await using api = startApi();
  const without = (missing: Partial<ApiSettings>) => api.callWith({ ...api.settings, ...missing }, "get", "/api");
  await assert.rejects(without({ host: null }), /the operator sets POSTHOG_HOST/);
  await assert.rejects(without({ personalApiKey: null }), /has not set POSTHOG_PERSONAL_API_KEY/);
  await assert.rejects(without({ projectApiKey: null }), /has not set POSTHOG_PROJECT_API_KEY/);
});

Deno.test("posthog.api never sends the operator's keys, or anything from the host, to a host of the plugin's choice", async () => {
  await using api = startApi();
  await assert.rejects(api.call("get", "/api", { host: "http://169.254.169.254" }), /keys are for .* only/);
  const own = { projectApiKey: "t", personalApiKey: "s" };
  const port = new URL(api.settings.host ?? "").port;
  for (const host of ["http://169.254.169.254", `http://localhost:${port}`, `http://127.0.0.1:${port}@evil.example`]) {
    const { fetch } = await api.call("get", "/api", { host, ...own }) as unknown as ApiRedirection;
    assert.equal(fetch.method, "GET");
    assert.ok(fetch.url.startsWith(`${host}/api`));
    assert.deepEqual(fetch.headers, { Authorization: "Bearer s" });
  }
  // A path cannot lead to another host either.
  for (const path of ["//evil.example/x", "/\\evil.example", "http://evil.example", "@evil.example/"]) {
    await api.call("get", path);
  }
  assert.equal(api.requests.length, 4);
});

Deno.test("posthog.api follows redirects within the host only", async () => {
  await using api = startApi();
  const followed = await api.call("get", "/redirect?to=/api/landed");
  assert.equal(new URL(followed.url).pathname, "/api/landed");
  const stopped = await api.call("get", "/redirect?to=http://169.254.169.254/latest");
  assert.equal(stopped.status, 302);
});

Deno.test("posthog.api stops an answer that is too large, and one that does not come", async () => {
  await using api = startApi({ apiResponseBytes: 1000, apiTimeoutMs: 100 });
  await assert.rejects(api.call("get", "/large"), /more than 1000 bytes/);
  await assert.rejects(api.call("get", "/slow"), { name: "TimeoutError" });
});

Deno.test("posthog.api refuses what no sandbox sends", async () => {
  await using api = startApi();
  await assert.rejects(api.call("TRACE", "/api"), TypeError);
  await assert.rejects(api.call("get", "/api", { headers: { a: { b: 1 } } }), TypeError);
  await assert.rejects(api.call("get", "/api", { data: "text" }), TypeError);
});

Deno.test("posthog.api gives plugins a Response, from the operator's host and through their own fetch from another", async () => {
  await using api = startApi();
  const plugin = await loadPlugin({
    inline: `export async function processEvent(event) {
      const own = await posthog.api.get('/api/projects/@current')
      const keys = { projectApiKey: 'token', personalApiKey: 'secret' }
      const other = await posthog.api.post('/api/x', { host: 'https://other.example', data: { a: 1 }, ...keys })
      const error = await posthog.api.get('/x', { personalApiKey: 'secret' }).catch((error) => error)
      event.properties = {
        own: [own.status, own.ok, own.headers.get('x-test'), await own.text()],
        other: [other.status, await other.json()],
        error: error.message,
      }
      return event
    }`,
  });
  await using running = await startFixturePlugin({
    plugin,
    config: {},
    now: Date.now(),
    random: 0.5,
    api: api.settings,
    fetch: [{ prefix: "https://other.example/", status: 201, json: { made: true } }],
  });
  const [result] = await running.batch("processEvent", [{ event: "e", distinct_id: "u", team_id: 2 }]);
  assert.equal(result?.error, null);
  assert.deepEqual(result?.event?.properties, {
    own: [200, true, "yes", "hello"],
    other: [201, { made: true }],
    error: "You must specify a personalApiKey if you specify a projectApiKey and vice-versa!",
  });
  assert.equal(api.requests[0]?.authorization, "Bearer phx_operator");
  const { method, url, headers, body } = running.fetched[0] ?? assert.fail();
  assert.deepEqual([method, url, body], ["POST", "https://other.example/api/x?token=token", '{"a":1}']);
  assert.equal(new Headers(headers).get("authorization"), "Bearer secret");
});

/** A server that stands for PostHog, and the service configured for it. */
function startApi(limits: Partial<ServiceLimits> = {}) {
  const requests: {
    method: string;
    url: string;
    authorization: string | null;
    contentType: string | null;
    body: string;
  }[] = [];
  const slow = Promise.withResolvers<void>();
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const { pathname, search, searchParams } = new URL(request.url);
    if (pathname === "/redirect") {
      return new Response(null, { status: 302, headers: { location: searchParams.get("to") ?? "" } });
    }
    if (pathname === "/large") return new Response("x".repeat(10_000));
    if (pathname === "/slow") await slow.promise;
    requests.push({
      method: request.method,
      url: pathname + search,
      authorization: request.headers.get("authorization"),
      contentType: request.headers.get("content-type"),
      body: await request.text(),
    });
    return new Response("hello", { headers: { "x-test": "yes" } });
  });
  const settings: ApiSettings = {
    host: `http://127.0.0.1:${server.addr.port}`,
    personalApiKey: "phx_operator",
    projectApiKey: "THIS IS NOT A TOKEN FOR TEAM 2",
    projectId: "2",
  };
  const callWith = (settings: ApiSettings, method: string, path: string, options: Record<string, unknown> = {}) =>
    createApiServices(settings, { ...DEFAULT_SERVICE_LIMITS, ...limits })["posthog.api"](
      [{ method, path, options }],
      OTHER,
    ) as Promise<ApiResponse>;
  return {
    requests,
    settings,
    callWith,
    call: (method: string, path: string, options?: Record<string, unknown>) =>
      callWith(settings, method, path, options),
    async [Symbol.asyncDispose]() {
      slow.resolve();
      await server.shutdown();
    },
  };
}
