/**
 * Proves that docs/openapi.json and the running service say the same: every answer that is documented is seen once, and
 * no other one is ever given.
 * @module
 */

import assert from "node:assert/strict";
import { Asker, DOCUMENTED, type Question } from "../kit/api_asker.ts";
import { eventually } from "../kit/eventually.ts";
import { pluginFolder } from "../kit/plugin_folder.ts";
import { HttpReceiver } from "../kit/servers/http_receiver.ts";
import { ADMIN_TOKEN, type RunningService, startTestService } from "../kit/service.ts";
import { makeZip } from "../kit/zip.ts";

const API = "/_hogpen/api";
const NOBODY = {
  id: "999999",
  destination: "none",
  key: "none",
  name: "none",
  task: "none",
  fingerprint: "none",
  cursor: "none",
};
const MOST_READERS = 200;
const MOST_ORDERS = 50;
const LARGE = "x".repeat(1_100_000);
const PLUGIN = {
  "plugin.json": JSON.stringify({ name: "Worker", publicJobs: { later: {} } }),
  "index.js": `
    export function processEvent(event) {
      if (event.event === "bad") throw new Error("as asked");
      return event.event === "drop" ? null : event;
    }
    export const jobs = { later() {}, quiet() {} };
    export function onEvent(event, { jobs }) { if (event.event === "job") return jobs.quiet({}).runIn(1, "hours"); }
    export function runEveryHour() {}
  `,
};
const ARCHIVE = makeZip([
  { name: "plugin.json", content: '{"name":"Lists","config":[{"key":"list","type":"attachment"}]}' },
  { name: "index.js", content: "exports.onEvent = () => {}" },
]);

/** A body that each operation takes. */
const BODIES: Record<string, unknown> = {
  [`POST ${API}/projects`]: { name: "New" },
  [`PATCH ${API}/projects/{id}`]: { name: "Renamed" },
  [`POST ${API}/plugin_configs`]: { team_id: 1, source: { inline: "exports.onEvent = () => {}" } },
  [`PATCH ${API}/plugin_configs/{id}`]: { order: 3 },
  [`POST ${API}/plugin_configs/{id}/jobs/{name}`]: {},
  [`POST ${API}/plugin_configs/{id}/job`]: { job: { type: "later" } },
  [`POST ${API}/plugin_configs/{id}/roll_back`]: { version: 1 },
  [`POST ${API}/consumers/{id}/estimate`]: { time: 1 },
  [`POST ${API}/consumers/{id}/rewind`]: { time: 1 },
  [`POST ${API}/traces`]: { team_id: 1 },
  [`POST ${API}/dry_run`]: { plugin_config_id: 1, events: [{ event: "x", distinct_id: "me" }] },
  [`POST ${API}/projects/{id}/order`]: { plugin_configs: [1] },
  [`POST ${API}/sources/inspect`]: { source: { inline: "exports.onEvent = () => {}" } },
  [`PUT ${API}/alert_rules/{id}`]: { when: "lag", threshold: 5 },
  [`PUT ${API}/alert_channels/{id}`]: { type: "webhook", url: "http://127.0.0.1:9/" },
  [`POST ${API}/projects/{id}/destinations`]: { id: "file", type: "ndjson", path: "out.ndjson" },
  [`PATCH ${API}/projects/{id}/destinations/{destination}`]: { enabled: false },
  [`POST ${API}/tokens`]: { name: "reader" },
  [`POST ${API}/session`]: { token: ADMIN_TOKEN },
  [`POST ${API}/dead_letters/requeue`]: { all: true },
  [`POST ${API}/dead_letters/delete`]: { all: true },
  [`PATCH ${API}/dead_letters/{id}`]: { event: { event: "x", distinct_id: "me" } },
};

const bodyOf = (operation: string): Question => operation in BODIES ? { body: BODIES[operation] } : {};

/**
 * What is answered to somebody who may not, who asks for what is not there, or who sends nonsense, is the same
 * everywhere.
 */
async function askAsNobodyShould(asker: Asker, viewer: string): Promise<void> {
  for (const [operation, { responses, requestBody }] of DOCUMENTED) {
    if (operation.endsWith("/session")) continue;
    const question = { at: NOBODY, ...bodyOf(operation) };
    await asker.ask(operation, { ...question, token: null }, 401);
    if ("403" in responses) await asker.ask(operation, { ...question, token: viewer }, 403);
    if ("400" in responses) await asker.ask(operation, nonsense(operation, question), 400);
    const isJson = requestBody?.content["application/json"] !== undefined;
    if ("413" in responses && isJson) await asker.ask(operation, { ...question, body: LARGE }, 413);
    if ("404" in responses && /{(?!cursor)/.test(operation)) await asker.ask(operation, question, 404);
  }
}

/** The question with something in it that is not of its type. */
function nonsense(operation: string, question: Question): Question {
  const { parameters = [], requestBody } = DOCUMENTED.get(operation) ?? {};
  if (requestBody?.content["application/json"] !== undefined) return { ...question, body: "nonsense" };
  const typed = parameters.filter(({ schema }) => schema.type !== "string" || Object.keys(schema).length > 1);
  const first = typed.find(({ schema }) => schema.type === "integer") ?? typed[0];
  assert(first, `${operation} takes nothing that can be refused`);
  if (first.in === "path") return { ...question, at: { ...question.at, [first.name]: "no sense!" } };
  return { ...question, query: { [first.name]: "\u0000nonsense" } };
}

/** One of each kind of thing that operations are about. */
async function fill(service: RunningService): Promise<void> {
  const event = (name: string, fields = {}) => ({ event: name, distinct_id: "me", ...fields });
  const names = ["ok", "bad", "drop", "job", "job"].map((name) => event(name));
  await service.capture({ api_key: "phc_one", batch: [...names, event("late", { timestamp: "no time" })] }, "/batch");
}

interface List<T = { id: string }> {
  results: T[];
}

async function firstOf<T = { id: string }>(asker: Asker, operation: string, query: Question["query"] = {}): Promise<T> {
  return await eventually(`${operation} has something`, async () => {
    const { results: [first] } = await asker.ask<List<T>>(operation, { query }, 200);
    return first ?? null;
  });
}

async function askAboutProjects(asker: Asker): Promise<void> {
  await asker.ask(`GET ${API}/projects`, {}, 200);
  const { id } = await asker.ask<{ id: number }>(`POST ${API}/projects`, { body: { name: "New" } }, 200);
  await asker.ask(`POST ${API}/projects`, { body: { name: "Again", token: "phc_one" } }, 409);
  const [one, mine] = [{ id: 1 }, { id }];
  const stale = { headers: { "If-Match": '"99"' } };
  await asker.ask(`PATCH ${API}/projects/{id}`, { at: mine, body: { name: "Renamed" } }, 200);
  await asker.ask(`PATCH ${API}/projects/{id}`, { at: one, body: { name: "Renamed" } }, 409);
  await asker.ask(`PATCH ${API}/projects/{id}`, { at: mine, body: { name: "Late" }, ...stale }, 412);
  await asker.ask(`DELETE ${API}/projects/{id}`, { at: one }, 409);
  await asker.ask(`DELETE ${API}/projects/{id}`, { at: mine, ...stale }, 412);

  const all = `${API}/projects/{id}/destinations`;
  const file = { id: "file", type: "ndjson", path: `${asker.service.folder}/out.ndjson` };
  await asker.ask(`POST ${all}`, { at: mine, body: file }, 200);
  await asker.ask(`POST ${all}`, { at: mine, body: file }, 409);
  await asker.ask(`GET ${all}`, { at: mine }, 200);
  const place = { id, destination: "file" };
  const hook = { id: 1, destination: "hook" };
  await asker.ask(`POST ${all}/{destination}/test`, { at: place }, 200);
  await asker.ask(`PATCH ${all}/{destination}`, { at: place, body: { enabled: false } }, 200);
  await asker.ask(`PATCH ${all}/{destination}`, { at: hook, body: { enabled: false } }, 409);
  await asker.ask(`PATCH ${all}/{destination}`, { at: place, body: { enabled: true }, ...stale }, 412);
  await asker.ask(`DELETE ${all}/{destination}`, { at: hook }, 409);
  await asker.ask(`DELETE ${all}/{destination}`, { at: place, ...stale }, 412);
  await asker.ask(`DELETE ${all}/{destination}`, { at: place }, 200);
  await asker.ask(`DELETE ${API}/projects/{id}`, { at: mine }, 200);
}

async function askAboutPlugins(asker: Asker): Promise<void> {
  const all = `${API}/plugin_configs`;
  const stale = { headers: { "If-Match": '"99"' } };
  await asker.ask(`GET ${all}`, {}, 200);
  await asker.ask(`GET ${all}/{id}`, { at: { id: 1 } }, 200);
  await asker.ask(`GET ${all}/{id}/logs`, { at: { id: 1 } }, 200);
  const { upload } = await asker.ask<{ upload: string }>(`POST ${API}/uploads`, { body: ARCHIVE }, 200);
  const tooLarge = new Uint8Array(33 * 1024 * 1024);
  await asker.ask(`POST ${API}/uploads`, { body: tooLarge }, 413);
  const plugin = { team_id: 1, source: { upload }, enabled: true };
  await asker.ask(`POST ${all}`, { body: { ...plugin, team_id: 999 } }, 404);
  const { id } = await asker.ask<{ id: number }>(`POST ${all}`, { body: plugin }, 200);
  const [mine, file] = [{ id }, { id: 1 }];
  await asker.ask(`PATCH ${all}/{id}`, { at: mine, body: { order: 3 } }, 200);
  await asker.ask(`PATCH ${all}/{id}`, { at: file, body: { order: 3 } }, 409);
  await asker.ask(`PATCH ${all}/{id}`, { at: mine, body: { order: 3 }, ...stale }, 412);
  await asker.ask(`GET ${all}/{id}/revisions`, { at: mine }, 200);
  await asker.ask(`GET ${all}/{id}/revisions`, { at: file }, 409);
  await asker.ask(`POST ${all}/{id}/roll_back`, { at: mine, body: { version: 1 }, ...stale }, 412);
  await asker.ask(`POST ${all}/{id}/roll_back`, { at: file, body: { version: 1 } }, 409);
  await asker.ask(`POST ${all}/{id}/roll_back`, { at: mine, body: { version: 1 } }, 200);

  const attachment = `${all}/{id}/attachments/{key}`;
  const key = { ...mine, key: "list" };
  await asker.ask(`PUT ${attachment}`, { at: key, body: new Uint8Array(3), ...stale }, 412);
  await asker.ask(`PUT ${attachment}`, { at: key, body: new Uint8Array(3) }, 200);
  await asker.ask(`PUT ${attachment}`, { at: { ...file, key: "list" }, body: new Uint8Array(3) }, 409);
  await asker.ask(`PUT ${attachment}`, { at: key, body: tooLarge }, 413);
  await asker.ask(`GET ${attachment}`, { at: key }, 200);
  await asker.ask(`DELETE ${attachment}`, { at: key, ...stale }, 412);
  await asker.ask(`DELETE ${attachment}`, { at: { ...file, key: "list" } }, 409);
  await asker.ask(`DELETE ${attachment}`, { at: key }, 200);

  await asker.ask(`POST ${all}/{id}/restart`, { at: mine }, 200);
  await asker.ask(`POST ${all}/{id}/share`, { at: file }, 200);
  await asker.ask(`POST ${all}/{id}/enable`, { at: file }, 200);
  await asker.ask(`POST ${all}/{id}/enable`, { at: { id: 2 } }, 409);
  await asker.ask(`PATCH ${all}/{id}`, { at: mine, body: { order: 3 } }, 200);
  await asker.ask(`POST ${API}/projects/{id}/order`, { at: { id: 1 }, body: { plugin_configs: [1, id] } }, 200);
  await asker.ask(`POST ${API}/projects/{id}/order`, { at: { id: 1 }, body: { plugin_configs: [id, 1] } }, 409);
  await asker.ask(`DELETE ${all}/{id}`, { at: mine, ...stale }, 412);
  await asker.ask(`DELETE ${all}/{id}`, { at: file }, 409);
  await asker.ask(`DELETE ${all}/{id}`, { at: mine }, 200);

  await asker.ask(`GET ${all}/{id}/schedules`, { at: file }, 200);
  await asker.ask(`POST ${all}/{id}/schedules/{task}/run`, { at: { ...file, task: "runEveryHour" } }, 200);
  await asker.ask(`POST ${all}/{id}/jobs/{name}`, { at: { ...file, name: "later" }, body: {} }, 200);
  await asker.ask(`POST ${all}/{id}/job`, { at: file, body: { job: { type: "later" } } }, 200);
}

async function askAboutJobs(asker: Asker): Promise<void> {
  const all = `${API}/jobs`;
  const done = await firstOf(asker, `GET ${all}`, { type: "later", state: "done" });
  await asker.ask(`GET ${all}/{id}`, { at: done }, 200);
  await asker.ask(`POST ${all}/{id}/retry`, { at: done }, 409);
  await asker.ask(`POST ${all}/{id}/cancel`, { at: done }, 409);
  await asker.ask(`POST ${all}/{id}/cancel`, { at: await firstOf(asker, `GET ${all}`, { type: "quiet" }) }, 200);
  await asker.ask(`POST ${all}/{id}/retry`, { at: await firstOf(asker, `GET ${all}`, { type: "quiet" }) }, 200);
}

async function askAboutConsumers(asker: Asker): Promise<void> {
  const all = `${API}/consumers`;
  await asker.ask(`GET ${all}`, {}, 200);
  const at = { id: "onEvent:1" };
  await asker.ask(`GET ${all}/{id}`, { at }, 200);
  await asker.ask(`POST ${all}/{id}/cancel_replay`, { at }, 409);
  await asker.ask(`POST ${all}/{id}/pause`, { at }, 200);
  await asker.ask(`POST ${all}/{id}/estimate`, { at, body: { time: 1 } }, 200);
  await asker.ask(`POST ${all}/{id}/rewind`, { at, body: { time: 1 } }, 200);
  await asker.ask(`POST ${all}/{id}/cancel_replay`, { at }, 200);
  await asker.ask(`POST ${all}/{id}/resume`, { at }, 200);
  await asker.ask(`POST ${all}/{id}/skip`, { at }, 200);
}

/** `hook` refuses what it is sent. */
async function askAboutEvents(asker: Asker, hook: HttpReceiver): Promise<void> {
  const project = { team_id: 1 };
  await asker.ask(`GET ${API}/projects/{id}/events`, { at: { id: 1 } }, 200);
  const event = await firstOf<{ cursor: string }>(asker, `GET ${API}/events`, project);
  await asker.ask(`GET ${API}/events`, { query: { team_id: 999 } }, 404);
  await asker.ask(`GET ${API}/events/{cursor}`, { at: event, query: project }, 200);
  await asker.ask(`GET ${API}/events/{cursor}`, { at: event, query: { team_id: 999 } }, 404);
  await asker.ask(`GET ${API}/dropped_events/{id}`, { at: await firstOf(asker, `GET ${API}/dropped_events`) }, 200);

  const { id } = await asker.ask<{ id: string }>(`POST ${API}/traces`, { body: project }, 200);
  await asker.ask(`GET ${API}/traces`, {}, 200);
  await asker.service.capture({ api_key: "phc_one", event: "traced", distinct_id: "me" });
  await asker.ask(`GET ${API}/traced_events/{id}`, { at: await firstOf(asker, `GET ${API}/traced_events`) }, 200);
  for (let order = 1; order < MOST_ORDERS; order++) await asker.ask(`POST ${API}/traces`, { body: project }, 200);
  await asker.ask(`POST ${API}/traces`, { body: project }, 409);
  await asker.ask(`POST ${API}/traces`, { body: { team_id: 999 } }, 404);
  await asker.ask(`DELETE ${API}/traces/{id}`, { at: { id } }, 200);

  const letters = `${API}/dead_letters`;
  await asker.ask(`GET ${API}/dead_letter_groups`, {}, 200);
  const at = await firstOf(asker, `GET ${letters}`, { consumer: "destination:1/hook" });
  await asker.ask(`GET ${letters}/{id}`, { at }, 200);
  const mended = { event: { event: "ok", distinct_id: "me", uuid: crypto.randomUUID(), properties: {} } };
  await asker.ask(`PATCH ${letters}/{id}`, { at, body: mended }, 200);
  await asker.ask(`POST ${letters}/{id}/requeue`, { at }, 409);
  hook.answer = () => new Response("ok");
  await asker.ask(`POST ${letters}/{id}/requeue`, { at }, 200);
  await asker.ask(`DELETE ${letters}/{id}`, { at: await firstOf(asker, `GET ${letters}`) }, 200);
  await asker.ask(`POST ${letters}/requeue`, { body: { all: true } }, 200);
  await asker.ask(`POST ${letters}/delete`, { body: { all: true } }, 200);

  for (const problems of [`${API}/errors`, `${API}/ingestion_warnings`]) {
    const at = await firstOf<{ fingerprint: string }>(asker, `GET ${problems}`);
    await asker.ask(`GET ${problems}/{fingerprint}`, { at }, 200);
    await asker.ask(`DELETE ${problems}/{fingerprint}`, { at }, 200);
  }
}

async function askAboutTheRest(asker: Asker, tokenId: string): Promise<void> {
  for (
    const path of ["alerts", "alert_rules", "alert_channels", "settings", "tokens", "audit", "metrics/now", "hosts"]
  ) {
    await asker.ask(`GET ${API}/${path}`, {}, 200);
  }
  const subject = { subject: "plugin:1", field: "in" };
  await asker.ask(`GET ${API}/metrics/series`, { query: subject }, 200);
  await asker.ask(`GET ${API}/metrics/totals`, { query: subject }, 200);
  for (const kind of ["rule", "channel"]) {
    const one = `${API}/alert_${kind}s/{id}`;
    const at = { id: "mine" };
    await asker.ask(`PUT ${one}`, { at, ...bodyOf(`PUT ${one}`) }, 200);
    if (kind === "channel") await asker.ask(`POST ${one}/test`, { at }, 200);
    await asker.ask(`DELETE ${one}`, { at }, 200);
  }
  const upload = { source: { upload: "0".repeat(64) } };
  await asker.ask(`POST ${API}/sources/inspect`, { body: upload }, 404);
  await asker.ask(`POST ${API}/dry_run`, { body: { plugin_config_id: 999, events: [{ event: "x" }] } }, 404);
  for (const operation of [`POST ${API}/sources/inspect`, `POST ${API}/dry_run`]) {
    await asker.ask(operation, bodyOf(operation), 200);
    // Two at a time.
    await Promise.all(Array.from({ length: 4 }, () => asker.ask(operation, bodyOf(operation), [200, 503])));
  }
  await asker.ask(`DELETE ${API}/tokens/{id}`, { at: { id: tokenId } }, 200);

  await asker.ask(`GET ${API}/live`, {}, 200);
  const readers = new AbortController();
  const headers = { Authorization: `Bearer ${ADMIN_TOKEN}` };
  // The reader before may still be leaving, so that there is no room for the last one yet.
  const open = () =>
    eventually("there is room for one more reader", async () => {
      const stream = await fetch(`${asker.service.url}${API}/live`, { headers, signal: readers.signal });
      if (stream.ok) return stream;
      await stream.body?.cancel();
      return null;
    });
  const streams = await Promise.all(Array.from({ length: MOST_READERS }, open));
  await asker.ask(`GET ${API}/live`, {}, 503);
  readers.abort();
  for (const stream of streams) await stream.body?.cancel().catch(() => {});
}

async function askAboutSessions(asker: Asker): Promise<void> {
  const session = `${API}/session`;
  await asker.ask(`POST ${session}`, { body: { token: ADMIN_TOKEN }, token: null }, 200);
  await asker.ask(`POST ${session}`, { body: {}, token: null }, 400);
  await asker.ask(`POST ${session}`, { body: { token: "x".repeat(5000) }, token: null }, 413);
  await asker.ask(`POST ${session}`, { body: { token: "wrong" }, token: null }, 401);
  await asker.ask(`GET ${session}`, {}, 200);
  await asker.ask(`GET ${session}`, { token: null }, 401);
  await asker.ask(`DELETE ${session}`, { token: null }, 200);
}

/** From an address that tried too many wrong tokens, not even the right one is listened to. */
async function askAsGuesser(asker: Asker): Promise<void> {
  for (let tries = 0; tries < 6; tries++) await asker.ask(`GET ${API}/session`, { token: "wrong" }, 401);
  const asked = Array.from(DOCUMENTED).filter(([, { responses }]) => "429" in responses);
  await Promise.all(asked.map(([operation]) => asker.ask(operation, { at: NOBODY, ...bodyOf(operation) }, 429)));
}

/** Only a host that leaves work to others answers so: tests/service/roles_test.ts. */
const ELSEWHERE = [
  ...["pause", "resume", "estimate", "skip", "rewind"].map((act) => `POST ${API}/consumers/{id}/${act}: 409`),
  `POST ${API}/plugin_configs/{id}/restart: 409`,
];

Deno.test("every answer that docs/openapi.json names is given by the service, and no other", async () => {
  await using receiver = new HttpReceiver(() => new Response("no", { status: 400 }));
  await using plugin = await pluginFolder(PLUGIN);
  const hook = { id: "hook", type: "webhook", url: `${receiver.url}/hook`, secret: `whsec_${btoa("0".repeat(32))}` };
  await using service = await startTestService({
    config: {
      projects: [{
        id: 1,
        token: "phc_one",
        plugins: [{ id: 1, source: plugin.path }, { id: 2, source: plugin.path, enabled: false }],
        destinations: [hook],
      }],
    },
  });
  const asker = new Asker(service);
  const made = await asker.ask<{ id: string; token: string }>(`POST ${API}/tokens`, { body: { name: "reader" } }, 200);
  await fill(service);
  await askAsNobodyShould(asker, made.token);
  await askAboutProjects(asker);
  await askAboutPlugins(asker);
  await askAboutJobs(asker);
  await askAboutConsumers(asker);
  await askAboutEvents(asker, receiver);
  await askAboutSessions(asker);
  await askAboutTheRest(asker, made.id);
  await askAsGuesser(asker);
  assert.deepEqual(asker.unseen(), ELSEWHERE);
});
