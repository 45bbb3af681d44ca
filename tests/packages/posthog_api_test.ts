/**
 * `posthog.api` as plugins call it, through sandbox and host to a server.
 * @module
 */

import assert from "node:assert/strict";
import type { ApiSettings } from "../../host/services/api/api_settings.ts";
import { startPackagePlugin } from "./package_plugin.ts";

const OPERATOR = { personalApiKey: "phx_operator", projectApiKey: "phc token+", projectId: "2" };

/** A server that tells what it was asked. */
function startPosthog() {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname, search } = new URL(request.url);
    if (pathname === "/missing") return new Response("not here", { status: 404, statusText: "Not Found" });
    const type = request.headers.get("content-type");
    const { authorization, "x-mine": mine } = Object.fromEntries(request.headers);
    return Response.json(
      [request.method, pathname + search, authorization, type, await request.text(), ...(mine ? [mine] : [])],
      { status: request.method === "POST" ? 201 : 200, headers: [["set-cookie", "a=1"], ["set-cookie", "b=2"]] },
    );
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  return { url, port: server.addr.port, [Symbol.asyncDispose]: () => server.shutdown() };
}

async function inPlugin(api: ApiSettings | undefined, code: string, egress: string[] = []): Promise<unknown> {
  await using plugin = await startPackagePlugin({
    inline: `export async function processEvent(event) { event.got = await (async () => { ${code} })(); return event }`,
  }, { egress, ...(api === undefined ? {} : { api }) });
  return (await plugin.processEvent())["got"];
}

const TOKEN = "token=phc+token%2B";
const KEY = "Bearer phx_operator";
const JSON_TYPE = "application/json";

const CALLS: [title: string, call: string, seen: unknown[]][] = [
  ["VM-30a get", "get('/api/event')", ["GET", `/api/event?${TOKEN}`, KEY, null, ""]],
  ["VM-30b get with data", "get('api/event', { data: { url: 'param' } })", [
    "GET",
    `/api/event?url=param&${TOKEN}`,
    KEY,
    null,
    "",
  ]],
  ["VM-30c post", "post('/api/event', { data: { a: 1 }, headers: { 'X-Mine': 'h' } })", [
    "POST",
    `/api/event?${TOKEN}`,
    KEY,
    JSON_TYPE,
    '{"a":1}',
    "h",
  ]],
  ["VM-30d put", "put('/api/event', { data: { a: 1 } })", ["PUT", `/api/event?${TOKEN}`, KEY, JSON_TYPE, '{"a":1}']],
  ["patch", "patch('/api/event', { data: { a: 1 } })", ["PATCH", `/api/event?${TOKEN}`, KEY, JSON_TYPE, '{"a":1}']],
  ["VM-30e delete", "delete('/api/event')", ["DELETE", `/api/event?${TOKEN}`, KEY, null, ""]],
  ["delete with data", "delete('/api/event', { data: { id: 1 } })", [
    "DELETE",
    `/api/event?id=1&${TOKEN}`,
    KEY,
    null,
    "",
  ]],
  ["VM-30f keys of the plugin's own", "get('/api/event', { projectApiKey: 'token', personalApiKey: 'secret' })", [
    "GET",
    "/api/event?token=token",
    "Bearer secret",
    null,
    "",
  ]],
  ["VM-30g the project in the path", "get('/api/projects/@current/event')", [
    "GET",
    `/api/projects/2/event?${TOKEN}`,
    KEY,
    null,
    "",
  ]],
];

Deno.test("posthog.api of a plugin reaches PostHog", async (t) => {
  await using posthog = startPosthog();
  const api = { host: posthog.url, ...OPERATOR };
  for (const [title, call, seen] of CALLS) {
    await t.step(title, async () => {
      assert.deepEqual(await inPlugin(api, `return (await posthog.api.${call}).json()`), seen);
    });
  }

  await t.step("with an answer like fetch's, whatever its status", async () => {
    const got = await inPlugin(
      api,
      `const r = await posthog.api.post('/api/x'); const missing = await posthog.api.get('/missing')
       return [r.status, r.ok, r.url, r.headers.raw()['set-cookie'], Buffer.isBuffer(await r.buffer()), missing.status, missing.ok, await missing.text()]`,
    );
    assert.deepEqual(got, [201, true, `${posthog.url}/api/x?${TOKEN}`, ["a=1", "b=2"], true, 404, false, "not here"]);
  });

  await t.step("another host with keys of its own, where egress lets it", async () => {
    const call = `posthog.api.get('/api/x', { host: '${posthog.url}', projectApiKey: 't', personalApiKey: 's' })`;
    const elsewhere = { ...api, host: "https://posthog.example" };
    assert.deepEqual(
      await inPlugin(elsewhere, `return (await ${call}).json()`, [`127.0.0.1:${posthog.port}`]),
      ["GET", "/api/x?token=t", "Bearer s", null, ""],
    );
    const refused = await inPlugin(elsewhere, `return ${call}.catch((error) => error.message)`);
    assert.match(String(refused), /^Cannot connect to 127\.0\.0\.1.*"egress"/);
  });
});

Deno.test("posthog.api says in a plugin what the operator has not set, and what does not fit", async () => {
  const said = (call: string) => `return posthog.api.${call}.catch((error) => error.message)`;
  assert.match(
    String(await inPlugin(undefined, said("get('/api/x')"))),
    /no PostHog instance is configured.*POSTHOG_HOST/,
  );
  const keyless = { ...OPERATOR, host: "https://posthog.example", personalApiKey: null };
  assert.match(String(await inPlugin(keyless, said("get('/api/x')"))), /POSTHOG_PERSONAL_API_KEY/);
  assert.equal(
    await inPlugin(undefined, said("get('/api/x', { personalApiKey: 'x' })")),
    "You must specify a personalApiKey if you specify a projectApiKey and vice-versa!",
  );
});
