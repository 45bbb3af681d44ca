/**
 * Proves that tokens and browser sessions give exactly the rights they should, end when they should, and cannot be
 * guessed by trying.
 */

import assert from "node:assert/strict";
import { createSlowDown } from "../../../../host/http/access/slow_down.ts";
import { looksSecret } from "../../../../host/config/looks_secret.ts";
import { hideSecrets, SECRET_PLACEHOLDER } from "../../../../host/http/access/hide_secrets.ts";
import { ADMIN_TOKEN, type ApiService, pluginView, startApi } from "../../../kit/api_service.ts";
import { openApiOfThisVersion } from "../../../kit/write_openapi.ts";

const BASE = "/_hogpen/api";

async function ask(api: ApiService, method: string, path: string, headers: Record<string, string>, body?: unknown) {
  const response = await api.app.request(`${BASE}${path}`, {
    method,
    headers,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

async function makeToken(api: ApiService, fields: Record<string, unknown>): Promise<{ id: string; bearer: string }> {
  const { status, body } = await api.call("POST", `${BASE}/tokens`, fields);
  assert.equal(status, 200);
  return { id: String(body.id), bearer: `Bearer ${body.token}` };
}

Deno.test("a token opens the API until it is revoked or over, and only what it hashes to is kept", async () => {
  let now = Date.now();
  await using api = await startApi({ now: () => now });
  const ends = await makeToken(api, { name: "ci", role: "admin", expires_at: String(now + 60_000) });
  const stays = await makeToken(api, { name: "wall", role: "viewer" });
  const projects = async (authorization: string) => (await ask(api, "GET", "/projects", { authorization })).status;
  assert.deepEqual([await projects(ends.bearer), await projects(stays.bearer)], [200, 200]);
  const { body: list } = await api.call("GET", `${BASE}/tokens`);
  assert.equal(JSON.stringify(list).includes(stays.bearer.slice(-20)), false);
  assert.equal(JSON.stringify(await api.store.things.list("token")).includes(stays.bearer.slice(-20)), false);
  now += 60_000;
  assert.deepEqual([await projects(ends.bearer), await projects(stays.bearer)], [401, 200]);
  assert.equal((await api.call("DELETE", `${BASE}/tokens/${stays.id}`)).status, 200);
  assert.equal(await projects(stays.bearer), 401);
  assert.equal((await api.call("DELETE", `${BASE}/tokens/${stays.id}`)).status, 404);
  assert.equal((await api.call("POST", `${BASE}/tokens`, { name: "old", expires_at: "1" })).status, 400);
  const { body: audit } = await api.call("GET", `${BASE}/audit?target=tokens/${stays.id}`);
  assert.deepEqual(audit.results?.map(({ action, actor }) => [action, actor]), [
    ["delete", "admin token"],
    ["create", "admin token"],
  ]);
});

Deno.test("a viewer can change nothing by any operation, and reads no secret by any", async () => {
  await using api = await startApi();
  const secret = "s3cr3t-value-of-the-plugin";
  api.plugins.push(pluginView({
    config: { config: { apiKey: secret, other: `https://u:${secret}@h/` }, attachments: {} },
    manifest: { config: [{ key: "apiKey", type: "string" }, { key: "other", type: "string" }] },
  }));
  const { bearer } = await makeToken(api, { name: "looks", role: "viewer" });
  const { paths } = await openApiOfThisVersion() as { paths: Record<string, Record<string, unknown>> };
  let seen = 0;
  for (const [path, operations] of Object.entries(paths)) {
    for (const method of Object.keys(operations)) {
      // A stream has no end, and everybody may log in and out of a session of their own.
      if (path.endsWith("/live") || (path.endsWith("/session") && method !== "get")) continue;
      const target = path.replace(/\{\w+\}/g, "39");
      const response = await api.app.request(target, {
        method: method.toUpperCase(),
        headers: { authorization: bearer },
        ...(method !== "get" && { body: "{}" }),
      });
      const text = await response.text();
      seen++;
      if (method === "get") assert.equal(text.includes(secret), false, target);
      else assert.equal(response.status, 403, `${method} ${target}: ${text}`);
    }
  }
  assert(seen > 20);
  assert.equal((await api.store.audit.list({ limit: 9 })).results.length, 1, "nothing but the token was made");
});

Deno.test("a browser logs in with a token: cookie out of scripts' reach, changes only with the session's own header", async () => {
  let now = Date.now();
  await using api = await startApi({ now: () => now });
  const { id, bearer } = await makeToken(api, { name: "ann", role: "admin" });
  assert.equal((await ask(api, "POST", "/session", {}, { token: "wrong" })).status, 401);
  assert.equal((await ask(api, "POST", "/session", {}, [])).status, 400);
  const begun = await ask(api, "POST", "/session", {}, { token: bearer.slice("Bearer ".length) });
  const header = begun.headers.get("set-cookie") ?? "";
  assert.match(header, /; HttpOnly; SameSite=Strict$/);
  const cookie = header.split(";", 1)[0] ?? "";
  const csrf: string = begun.body.csrf_token;
  assert.deepEqual((await ask(api, "GET", "/session", { cookie })).body, {
    name: "ann",
    role: "admin",
    csrf_token: csrf,
  });
  assert.equal((await ask(api, "GET", "/projects", { cookie })).status, 200);
  const change = (headers: Record<string, string>) =>
    ask(api, "POST", "/tokens", { cookie, ...headers }, { name: "x" });
  assert.equal((await change({})).status, 403);
  assert.equal((await change({ "x-csrf-token": "wrong" })).status, 403);
  assert.equal((await change({ "x-csrf-token": csrf })).status, 200);

  now += 11 * 3_600_000;
  assert.equal((await ask(api, "GET", "/projects", { cookie })).status, 200, "used within the idle time");
  now += 13 * 3_600_000;
  assert.equal((await ask(api, "GET", "/projects", { cookie })).status, 401, "idle for too long");

  const again = await ask(api, "POST", "/session", {}, { token: ADMIN_TOKEN });
  const second = (again.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "";
  const out = await ask(api, "DELETE", "/session", { cookie: second });
  assert.match(out.headers.get("set-cookie") ?? "", /Max-Age=0/);
  assert.equal((await ask(api, "GET", "/session", { cookie: second })).status, 401);

  const third = await ask(api, "POST", "/session", {}, { token: bearer.slice("Bearer ".length) });
  await api.call("DELETE", `${BASE}/tokens/${id}`);
  const gone = (third.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "";
  assert.equal((await ask(api, "GET", "/session", { cookie: gone })).status, 401, "its token was revoked");
});

Deno.test("with HOGPEN_UI=readonly a browser changes nothing, whoever has logged in, and tokens keep their rights", async () => {
  await using api = await startApi({ ui: "readonly" });
  const begun = await ask(api, "POST", "/session", {}, { token: ADMIN_TOKEN });
  const cookie = (begun.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "";
  const headers = { cookie, "x-csrf-token": begun.body.csrf_token };
  assert.equal((await ask(api, "GET", "/session", { cookie })).body.role, "viewer");
  assert.equal((await ask(api, "GET", "/projects", headers)).status, 200);
  assert.equal((await ask(api, "POST", "/tokens", headers, { name: "x" })).status, 403);
  assert.equal((await api.call("POST", `${BASE}/tokens`, { name: "x" })).status, 200);
});

Deno.test("a session ends after seven days however much it is used", async () => {
  let now = Date.now();
  await using api = await startApi({ now: () => now });
  const begun = await ask(api, "POST", "/session", {}, { token: ADMIN_TOKEN });
  const cookie = (begun.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "";
  for (let hours = 0; hours < 7 * 24; hours += 8) {
    assert.equal((await ask(api, "GET", "/session", { cookie })).status, 200);
    now += 8 * 3_600_000;
  }
  now += 1;
  assert.equal((await ask(api, "GET", "/session", { cookie })).status, 401);
});

Deno.test("who tries one token after the other is not listened to for a while", async () => {
  let now = Date.now();
  await using api = await startApi({ now: () => now });
  const tries = async (token: string, ip = "203.0.113.7") =>
    (await ask(api, "GET", "/projects", { authorization: `Bearer ${token}`, "x-forwarded-for": ip })).status;
  for (let i = 0; i < 6; i++) assert.equal(await tries(`wrong ${i}`), 401);
  assert.equal(await tries("wrong"), 429);
  assert.equal(await tries(ADMIN_TOKEN), 429, "not even the right one: it could be a guess");
  assert.equal(await tries(ADMIN_TOKEN, "203.0.113.8"), 200);
  now += 1000;
  assert.equal(await tries(ADMIN_TOKEN), 200);
  assert.equal(await tries("wrong"), 401);
});

Deno.test("createSlowDown() doubles the wait up to a minute", () => {
  let now = 0;
  const slow = createSlowDown(() => now);
  const waits: number[] = [];
  for (let i = 0; i < 14; i++) {
    slow.failed("a");
    waits.push(slow.wait("a"));
    now += slow.wait("a");
  }
  assert.deepEqual(waits, [0, 0, 0, 0, 0, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000]);
  assert.equal(slow.wait("b"), 0);
});

Deno.test("/metrics asks for its token when it has one, and takes those of the API", async () => {
  await using api = await startApi({ metricsToken: "scrape" });
  const status = async (token?: string) =>
    (await api.app.request("/metrics", token ? { headers: { authorization: `Bearer ${token}` } } : {})).status;
  assert.deepEqual([await status(), await status("no"), await status("scrape"), await status(ADMIN_TOKEN)], [
    401,
    401,
    200,
    200,
  ]);
});

Deno.test("hideSecrets() knows secrets by name and by what they look like", () => {
  assert.equal(looksSecret("host", "postgres://user:pass@db/x"), true);
  assert.equal(looksSecret("host", "https://example.com"), false);
  assert.equal(looksSecret("note", "-----BEGIN RSA PRIVATE KEY-----"), true);
  assert.equal(looksSecret("useToken", true), false);
  assert.deepEqual(hideSecrets({ a: { password: "x", list: ["y"] }, apiKey: ["k"], n: 1 }), {
    a: { password: SECRET_PLACEHOLDER, list: ["y"] },
    apiKey: [SECRET_PLACEHOLDER],
    n: 1,
  });
});
