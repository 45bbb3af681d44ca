/**
 * Proves that with an admin port of its own the operator's side is there alone, and that with a prefix the service is
 * below it.
 */

import assert from "node:assert/strict";
import { eventually } from "../kit/eventually.ts";
import { freePort } from "../kit/servers/server_process.ts";
import { ADMIN_TOKEN, startTestService } from "../kit/service.ts";
import { runCommand } from "../kit/run_command.ts";

const authorization = `Bearer ${ADMIN_TOKEN}`;

async function statusOf(url: string, init?: RequestInit): Promise<number> {
  const response = await fetch(url, { redirect: "manual", ...init });
  await response.body?.cancel();
  return response.status;
}

Deno.test("HOGPEN_ADMIN_PORT moves API, page and metrics to a port of their own", async () => {
  const adminPort = freePort();
  const admin = `http://127.0.0.1:${adminPort}`;
  await using service = await startTestService({ env: { HOGPEN_ADMIN_PORT: String(adminPort) } });
  const theirs = ["/_hogpen/", "/_hogpen/ui/app.css", "/_hogpen/api/projects", "/_hogpen/api/openapi.json", "/metrics"];
  for (const path of theirs) {
    assert.equal(await statusOf(admin + path, { headers: { authorization } }), 200, path);
    assert.equal(await statusOf(service.url + path, { headers: { authorization } }), 404, path);
  }
  const logIn = { method: "POST", body: JSON.stringify({ token: ADMIN_TOKEN }) };
  assert.deepEqual([
    await statusOf(`${admin}/_hogpen/api/session`, logIn),
    await statusOf(`${service.url}/_hogpen/api/session`, logIn),
  ], [200, 404]);
  for (const url of [admin, service.url]) assert.equal(await statusOf(`${url}/_health`), 200);

  await service.capture({ api_key: "phc_local", event: "hello", distinct_id: "me" });
  await eventually("the event is out", async () => {
    const answer = await fetch(`${admin}/_hogpen/api/projects/1/events`, { headers: { authorization } });
    return (await answer.json()).results.length === 1;
  });
  assert.equal(await statusOf(`${admin}/capture`, { method: "POST", body: "{}" }), 404);
  const commands = { HOGPEN_ADMIN_PORT: String(adminPort), HOGPEN_ADMIN_TOKEN: ADMIN_TOKEN };
  const { code, err } = await runCommand(["events", "export"], { env: commands });
  assert.deepEqual([code, err], [0, "Exported 1 event of project 1\n"]);
  assert.match(service.output(), new RegExp(`API and page are at ${admin}/_hogpen/`));
});

Deno.test("an admin port that is the service's is refused at the start", async () => {
  const { code, err } = await runCommand(["start", "--port", "8123", "--admin-port", "8123"]);
  assert.equal(code, 2);
  assert.match(err, /HOGPEN_ADMIN_PORT: found 8123, the port of the service, expected another one or none/);
});

Deno.test("below a prefix SDKs and the page find everything, and events say where they were sent", async () => {
  await using service = await startTestService({ env: { HOGPEN_PATH_PREFIX: "/ingest/" } });
  const headers = { "x-forwarded-proto": "https", "x-forwarded-host": "shop.example" };
  const event = { api_key: "phc_local", event: "hello", distinct_id: "me" };
  const sent = { method: "POST", headers, body: JSON.stringify(event) };
  assert.equal(await statusOf(`${service.url}/ingest/e/`, sent), 200);
  assert.equal(await statusOf(`${service.url}/ingest//i/v0/e/`, sent), 200);
  const events = await service.events(2);
  assert.deepEqual(events.map(({ site_url }) => site_url), ["https://shop.example", "https://shop.example"]);

  const page = await (await fetch(`${service.url}/ingest/_hogpen/`)).text();
  assert.match(page, /src="\/ingest\/_hogpen\/ui\/main\.js"/);
  const logIn = await fetch(`${service.url}/ingest/_hogpen/api/session`, {
    method: "POST",
    headers,
    body: JSON.stringify({ token: ADMIN_TOKEN }),
  });
  await logIn.body?.cancel();
  assert.match(logIn.headers.get("set-cookie") ?? "", /Path=\/ingest\/_hogpen;.*; Secure/);
});
