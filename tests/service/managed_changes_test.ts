/**
 * Proves that plugins, projects and destinations managed through the API survive restarts and kills whole. The last
 * test kills the service after random real delays, so that the kill meets changes at different moments.
 */

import assert from "node:assert/strict";
import { strToU8, zipSync } from "fflate";
import { eventually } from "../kit/eventually.ts";
import { ADMIN_TOKEN, type RunningService, startTestService } from "../kit/service.ts";

interface Shown {
  id: number;
  version: number;
  state: string;
  managed_by: string;
  config: Record<string, unknown>;
  secrets_set: string[];
  name: string;
  attachments: Record<string, { size: number }>;
}

const CODE = "export function processEvent(e, { config }) { e.properties.said = config.say; return e; }";
const PLUGIN_JSON = JSON.stringify({
  name: "Sayer",
  config: [{ key: "say", type: "string" }, { key: "password", type: "string", secret: true }, {
    key: "file",
    type: "attachment",
  }],
});

async function ask(service: RunningService, method: string, path: string, body?: unknown, ifMatch?: number) {
  const response = await fetch(`${service.url}/_hogpen/api/${path}`, {
    method,
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, ...(ifMatch !== undefined && { "if-match": `"${ifMatch}"` }) },
    ...(body !== undefined && { body: body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body) }),
  });
  return { status: response.status, etag: response.headers.get("etag"), body: await response.json() };
}

Deno.test("a plugin is installed from a zip, changed, restarted, rolled back and removed by API, over restarts", async () => {
  await using service = await startTestService();
  const zip = zipSync({ "plugin.json": strToU8(PLUGIN_JSON), "index.ts": strToU8(CODE) });
  const { body: { upload } } = await ask(service, "POST", "uploads", zip);
  const { body: looked } = await ask(service, "POST", "sources/inspect", { source: { upload } });
  assert.deepEqual([looked.name, looked.does, looked.files], [
    "Sayer",
    ["changes events before they are stored"],
    ["index.ts", "plugin.json"],
  ]);
  const compared = await ask(service, "POST", "sources/inspect", { source: { inline: "export {" }, compare_to: 1 });
  assert.notEqual(compared.body.error, null);
  assert(
    compared.body.changes.some(({ path, before }: { path: string; before: string }) =>
      path === "plugin.json" && before
    ),
  );
  const made = await ask(service, "POST", "plugin_configs", {
    team_id: 1,
    source: { upload },
    config: { say: "one", password: "hush" },
    order: 9,
  });
  assert.equal(made.status, 200, JSON.stringify(made.body));
  const { id }: Shown = made.body;
  assert(id > 1_000_000);
  assert.deepEqual([made.body.managed_by, made.body.state, made.etag], ["api", "stopped", '"1"']);

  const on = await ask(service, "PATCH", `plugin_configs/${id}`, { enabled: true }, 1);
  assert.equal(on.status, 200);
  const running = await eventually("it runs", async () => {
    const { body } = await ask(service, "GET", `plugin_configs/${id}`);
    return body.state === "running" ? body as Shown : null;
  });
  assert.deepEqual([running.name, running.config["say"], running.secrets_set], ["Sayer", "one", ["password"]]);
  await service.capture({ api_key: "phc_local", event: "a", distinct_id: "d" });
  assert.equal((await service.events(1))[0]?.properties["said"], "one");

  const placeholder = running.config["password"];
  const changed = await ask(
    service,
    "PATCH",
    `plugin_configs/${id}`,
    { config: { say: "two", password: placeholder } },
    2,
  );
  assert.equal(changed.body.version, 3);
  const late = await ask(service, "PATCH", `plugin_configs/${id}`, { config: { say: "three" } }, 2);
  assert.deepEqual([late.status, late.body.current.version, late.body.current.config.say], [412, 3, "two"]);
  assert.equal(
    (await ask(service, "PUT", `plugin_configs/${id}/attachments/file?file_name=a.txt`, strToU8("abc"))).status,
    200,
  );
  assert.equal((await ask(service, "PATCH", `plugin_configs/${id}`, { memoryMb: 1 })).status, 400);
  assert.equal(
    (await ask(service, "PATCH", "plugin_configs/1", { enabled: false })).body.pointer,
    "/projects/0/plugins/0",
  );

  await service.end("SIGKILL");
  await service.start();
  const { body: kept } = await ask(service, "GET", `plugin_configs/${id}`);
  assert.deepEqual([kept.version, kept.config.say, kept.secrets_set, kept.attachments.file.size], [4, "two", [
    "password",
  ], 3]);
  assert.equal((await ask(service, "POST", `plugin_configs/${id}/restart`)).status, 200);

  const { body: revisions } = await ask(service, "GET", `plugin_configs/${id}/revisions`);
  assert.deepEqual(revisions.results.map((revision: { version: number }) => revision.version), [3, 2, 1]);
  const back = await ask(service, "POST", `plugin_configs/${id}/roll_back`, { version: 2 });
  assert.equal(back.body.config.say, "one");
  assert.equal((await ask(service, "DELETE", `plugin_configs/${id}`, undefined, 1)).status, 412);
  assert.equal((await ask(service, "DELETE", `plugin_configs/${id}`)).status, 200);
  assert.equal((await ask(service, "GET", `plugin_configs/${id}`)).status, 404);
  const { body: audit } = await ask(service, "GET", `audit?target=plugin_configs/${id}`);
  assert.deepEqual(audit.results.map(({ action }: { action: string }) => action), [
    "delete",
    "roll_back",
    "restart",
    "put_attachment",
    "change",
    "change",
    "create",
  ]);
  assert.equal(JSON.stringify(audit).includes("hush"), false);
});

Deno.test("a project and a destination are made by API; a test event arrives", async () => {
  await using service = await startTestService();
  const { body: project } = await ask(service, "POST", "projects", { name: "Second" });
  assert.equal((await ask(service, "POST", "projects", { name: "Third", token: project.token })).status, 409);
  const path = `${service.folder}/out.ndjson`;
  const place = `projects/${project.id}/destinations`;
  const made = await ask(service, "POST", place, { id: "file", type: "ndjson", path });
  assert.equal(made.status, 200, JSON.stringify(made.body));
  assert.equal((await ask(service, "POST", place, { id: "x", type: "ndjson" })).status, 400);
  assert.deepEqual((await ask(service, "POST", `${place}/file/test`)).body, { delivered: true, detail: null });
  assert.match(await Deno.readTextFile(path), /hogpen test/);
  await service.capture({ api_key: project.token, event: "live", distinct_id: "d" });
  await eventually("the event is delivered", async () => (await Deno.readTextFile(path)).includes('"live"'));
  assert.equal((await ask(service, "DELETE", `projects/${project.id}`)).status, 409);
  assert.equal(
    (await ask(service, "PATCH", `${place}/file`, { enabled: false }, made.body.version)).body.enabled,
    false,
  );
  assert.equal((await ask(service, "DELETE", `${place}/file`)).status, 200);
  assert.equal((await ask(service, "DELETE", `projects/${project.id}`)).status, 200);
  assert.equal((await ask(service, "PATCH", "projects/1", { name: "x" })).status, 409);
});

Deno.test("killed while things are changed, the service has the old or the new, never half, and an audit of each", async () => {
  const kills = Number(Deno.env.get("HOGPEN_TEST_KILLS") ?? 3);
  await using service = await startTestService();
  const { body: made } = await ask(service, "POST", "plugin_configs", {
    team_id: 1,
    source: { inline: CODE },
    config: { a: 0, b: 0 },
  });
  // A call may take an hour at most.
  const timeoutOf = (n: number) => 1 + n % 3000;
  let answered = 0;
  let sent = 0;
  for (let round = 0; round < kills; round++) {
    const changing = (async () => {
      for (;;) {
        const n = ++sent;
        const { status } = await ask(service, "PATCH", `plugin_configs/${made.id}`, {
          order: n,
          timeoutSeconds: timeoutOf(n),
        });
        assert.equal(status, 200);
        answered = n;
      }
    })().catch((error) => error instanceof assert.AssertionError ? Promise.reject(error) : undefined);
    await new Promise((resolve) => setTimeout(resolve, 300 + 400 * Math.random()));
    await service.end("SIGKILL");
    await changing;
    await service.start();
    const { body: kept } = await ask(service, "GET", `plugin_configs/${made.id}`);
    const timeout = kept.order === 0 ? 30 : timeoutOf(kept.order);
    assert.equal(kept.limits.timeout_seconds, timeout, "both or neither");
    assert(kept.order === answered || kept.order === sent, `${kept.order} is neither ${answered} nor ${sent}`);
    const { body: audit } = await ask(service, "GET", `audit?target=plugin_configs/${made.id}&limit=1`);
    if (kept.order > 0) assert.equal(audit.results[0].after.order, kept.order, "the last change is in the audit");
    answered = sent = kept.order;
  }
});
