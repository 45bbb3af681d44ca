/** Proves what the operator's API shows, changes and refuses, and that it never shows secrets. */

import assert from "node:assert/strict";
import type { EventLog, StoredRecord } from "../../../host/log/event_log.ts";
import { SECRET_PLACEHOLDER } from "../../../host/http/access/hide_secrets.ts";
import type { ConsumerSpec } from "../../../host/consumers/consumer.ts";
import { ADMIN_TOKEN, pluginView, startApi } from "../../kit/api_service.ts";
import { projectConfig, TOKEN } from "../../kit/capture_service.ts";
import { eventually } from "../../kit/eventually.ts";

function outboxEvent(i: number, fields: Record<string, unknown> = {}) {
  return {
    uuid: `017d37c1-f285-7000-8e8b-${String(i).padStart(12, "0")}`,
    event: `e${i}`,
    distinct_id: "d",
    team_id: 1,
    timestamp: "2026-05-04T10:20:30.400Z",
    properties: { i },
    ...fields,
  };
}

async function fillOutbox(log: EventLog, count: number): Promise<void> {
  const records = Array.from({ length: count }, (_, i) => ({
    key: "d",
    event: new TextEncoder().encode(JSON.stringify(outboxEvent(i))),
  }));
  await log.append("outbox", 1, records);
}

Deno.test("the API is closed without the admin token, and says so like PostHog's", async () => {
  await using api = await startApi();
  const cases: [headers: Record<string, string>, code: string][] = [
    [{}, "not_authenticated"],
    [{ authorization: "Bearer wrong" }, "authentication_failed"],
    [{ authorization: `Basic ${ADMIN_TOKEN}` }, "not_authenticated"],
    [{ authorization: `Bearer ${ADMIN_TOKEN}x` }, "authentication_failed"],
  ];
  for (const path of ["/_hogpen/api/projects", "/_hogpen/api/plugin_configs/39/logs", "/_hogpen/api/nothing"]) {
    for (const [headers, code] of cases) {
      const response = await api.app.request(path, {
        headers: { ...headers, "x-forwarded-for": `203.0.113.${path.length}` },
      });
      const body = await response.json();
      assert.equal(response.status, 401);
      assert.deepEqual(Object.keys(body), ["type", "code", "detail", "attr"]);
      assert.equal(body.code, code);
    }
  }
  const { status } = await api.call("GET", "/_hogpen/api/projects");
  assert.equal(status, 200);
});

Deno.test("the API answers 404 for what does not exist, and 400 for what it cannot read", async () => {
  await using api = await startApi();
  for (
    const path of [
      "/_hogpen/api/nothing",
      "/_hogpen/api/plugin_configs/1",
      "/_hogpen/api/projects/9/events",
      "/_hogpen/api/jobs/9",
      "/_hogpen/api/dead_letters/9",
    ]
  ) {
    const { status, body } = await api.call("GET", path);
    assert.equal(status, 404, path);
    assert.equal(body.code, "not_found");
  }
  const { status, body } = await api.call("GET", "/_hogpen/api/projects/1/events?limit=many");
  assert.equal(status, 400);
  assert.equal(body.type, "validation_error");
  assert.equal(body.attr, "limit");
  assert.match(String(body.detail), /limit: found "many"/);
});

Deno.test("GET /api/projects shows projects without what destinations keep secret", async () => {
  const destination = { id: "d", type: "posthog" as const, enabled: true, filter: {}, options: { key: "secret-key" } };
  const projects = [projectConfig({ destinations: [destination], plugins: [pluginView().config] })];
  await using api = await startApi({ projects: () => projects });
  const { body } = await api.call("GET", "/_hogpen/api/projects");
  assert.deepEqual(body, {
    results: [{
      id: 1,
      name: "Test",
      token: TOKEN,
      anonymize_ips: false,
      isolation: "each",
      upstream: null,
      managed_by: "file",
      version: null,
      plugin_configs: [39],
      destinations: [{ id: "d", type: "posthog", enabled: true }],
    }],
    next: null,
  });
});

Deno.test("GET /api/projects/:id/events pages through the outbox, oldest first", async () => {
  await using api = await startApi();
  assert.deepEqual((await api.call("GET", "/_hogpen/api/projects/1/events")).body, { results: [], next: null });
  await fillOutbox(api.log, 25);
  const names: unknown[] = [];
  let pages = 0;
  let after = "";
  while (true) {
    const { body, headers } = await api.call(
      "GET",
      `/_hogpen/api/projects/1/events?limit=10&after=${encodeURIComponent(after)}`,
    );
    names.push(...body.results!.map((event) => event.event));
    pages++;
    const end = headers.get("x-cursor") ?? "";
    if (body.next === null) {
      after = end;
      break;
    }
    assert.equal(String(body.next), end);
    after = end;
  }
  assert.equal(pages, 3);
  assert.deepEqual(names, Array.from({ length: 25 }, (_, i) => `e${i}`));
  await fillOutbox(api.log, 1);
  const { body } = await api.call("GET", `/_hogpen/api/projects/1/events?after=${encodeURIComponent(after)}`);
  assert.equal(body.results!.length, 1);
});

Deno.test("GET /api/projects/:id/events ends a page that fills the limit exactly", async () => {
  await using api = await startApi();
  await fillOutbox(api.log, 10);
  const { body } = await api.call("GET", "/_hogpen/api/projects/1/events?limit=10");
  assert.equal(body.results!.length, 10);
  assert.equal(body.next, null);
});

Deno.test("GET /api/projects/:id/events refuses what is not a cursor", async () => {
  await using api = await startApi();
  const { status, body } = await api.call("GET", "/_hogpen/api/projects/1/events?after=yesterday");
  assert.equal(status, 400);
  assert.equal(body.attr, "after");
});

Deno.test("GET /api/plugin_configs shows state, what a plugin does, limits and errors", async () => {
  await using api = await startApi();
  api.plugins.push(pluginView({
    manifest: { schedule: { report: "0 6 * * *" } },
    status: {
      state: "disabled",
      reason: "stopped: a call to processEvent did not return for 30 s",
      capabilities: {
        methods: ["setupPlugin", "processEvent"],
        scheduled_tasks: ["runEveryMinute", "report"],
        jobs: ["sync"],
      },
      lastError: { name: "Error", message: "boom", retry: false, at: 1_000 },
      restarts: [{ at: 2_000, reason: "too much memory" }],
    },
  }));
  const { body } = await api.call("GET", "/_hogpen/api/plugin_configs");
  const [plugin] = body.results!;
  assert.equal(plugin!.state, "disabled");
  assert.deepEqual(plugin!.does, [
    "changes events before they are stored",
    "prepares itself when it starts",
    "runs a task every minute",
    "runs report on the schedule 0 6 * * *",
    "has the job sync",
  ]);
  assert.deepEqual(plugin!.last_error, { name: "Error", message: "boom", at: "1970-01-01T00:00:01.000Z" });
  assert.deepEqual(plugin!.restarts, [{ at: "1970-01-01T00:00:02.000Z", reason: "too much memory" }]);
  assert.equal(plugin!.cpu_ms, 120);
  assert.deepEqual((await api.call("GET", "/_hogpen/api/plugin_configs/39")).body, plugin);
  assert.deepEqual((await api.call("GET", "/_hogpen/api/plugin_configs?team_id=2")).body.results, []);
});

Deno.test("lists come in pages, one after the other", async () => {
  await using api = await startApi();
  for (const id of [1, 2, 3]) api.plugins.push(pluginView({ config: { id } }));
  const seen: unknown[] = [];
  for (let next: string | null = ""; next !== null;) {
    const { body } = await api.call("GET", `/_hogpen/api/plugin_configs?limit=2&next=${next}`);
    seen.push(body.results!.map(({ id }) => id));
    next = typeof body.next === "string" ? body.next : null;
  }
  assert.deepEqual(seen, [[1, 2], [3]]);
  assert.equal((await api.call("GET", "/_hogpen/api/plugin_configs?next=x")).status, 400);
});

Deno.test("GET /api/plugin_configs never shows secrets", async () => {
  await using api = await startApi();
  const attachment = { content_type: "application/json", file_name: "key.json", contents: new Uint8Array(5) };
  const config = {
    source: "https://user:pw-in-url@github.com/o/r?private_token=token-in-url&x=1",
    config: { open: "shown", key: "secret-value", empty: "", object: { inner: "secret-inner" } },
    attachments: { open: attachment, key: attachment },
  };
  const secret = (key: string) => ({ key, type: "string" as const, secret: true });
  api.plugins.push(
    pluginView({ config, manifest: { config: [secret("key"), secret("empty"), secret("object")] } }),
    pluginView({ config: { ...config, id: 40 }, manifest: null }),
  );
  const response = await api.call("GET", "/_hogpen/api/plugin_configs");
  const text = JSON.stringify(response.body);
  for (const word of ["secret-value", "secret-inner", "pw-in-url", "token-in-url"]) {
    assert.ok(!text.includes(word), word);
  }
  const [known, unknown] = response.body.results!;
  assert.deepEqual(known!.config, { open: "shown", key: SECRET_PLACEHOLDER, empty: "", object: SECRET_PLACEHOLDER });
  assert.deepEqual(known!.attachments!.open, { file_name: "key.json", content_type: "application/json", size: 5 });
  assert.equal(known!.attachments!.key!.file_name, SECRET_PLACEHOLDER);
  assert.equal(unknown!.config!.open, SECRET_PLACEHOLDER);
});

Deno.test("POST /api/plugin_configs/:id/enable starts a plugin that the service disabled", async () => {
  await using api = await startApi();
  api.plugins.push(pluginView(), pluginView({ config: { id: 40, enabled: false } }));
  assert.equal((await api.call("POST", "/_hogpen/api/plugin_configs/39/enable")).status, 200);
  assert.equal((await api.call("POST", "/_hogpen/api/plugin_configs/40/enable")).status, 409);
  assert.equal((await api.call("POST", "/_hogpen/api/plugin_configs/41/enable")).status, 404);
  assert.deepEqual(api.seen.enabled, [39]);
});

Deno.test("GET /api/plugin_configs/:id/logs filters and pages, newest first", async () => {
  await using api = await startApi();
  api.plugins.push(pluginView());
  const entry = (i: number) => ({
    id: `017d37c1-f285-7000-8e8b-${String(i).padStart(12, "0")}`,
    pluginConfigId: 39,
    teamId: 1,
    at: 1_000 * i,
    source: "CONSOLE" as const,
    type: i % 2 ? "ERROR" as const : "INFO" as const,
    message: `Message ${i}`,
    instanceId: "i",
  });
  await api.store.logs.append(Array.from({ length: 9 }, (_, i) => entry(i + 1)));
  const messages = async (query: string) => {
    const { status, body } = await api.call("GET", `/_hogpen/api/plugin_configs/39/logs?${query}`);
    assert.equal(status, 200, JSON.stringify(body));
    return body.results!.map((row) => Number(String(row.message).slice(8)));
  };
  assert.deepEqual(await messages(""), [9, 8, 7, 6, 5, 4, 3, 2, 1]);
  assert.deepEqual(await messages("type=error"), [9, 7, 5, 3, 1]);
  assert.deepEqual(await messages("type=ERROR,INFO&limit=2"), [9, 8]);
  assert.deepEqual(await messages("search=MESSAGE%203"), [3]);
  assert.deepEqual(await messages("after=1970-01-01T00:00:03Z&before=6000"), [5, 4]);
  const first = await api.call("GET", "/_hogpen/api/plugin_configs/39/logs?limit=5");
  assert.deepEqual(await messages(`limit=5&next=${encodeURIComponent(String(first.body.next))}`), [4, 3, 2, 1]);
  assert.deepEqual(Object.keys(first.body.results![0]!), [
    "id",
    "team_id",
    "plugin_config_id",
    "timestamp",
    "source",
    "type",
    "message",
    "instance_id",
  ]);
  const wrong = await api.call("GET", "/_hogpen/api/plugin_configs/39/logs?type=LOUD");
  assert.equal(wrong.status, 400);
});

Deno.test("POST /api/plugin_configs/:id/jobs/:name starts a public job with a payload that it declares", async () => {
  await using api = await startApi();
  const publicJobs = {
    export: { payload: { from: { type: "string", required: true }, count: { type: "number" } } },
    hidden: { payload: {} },
  };
  api.plugins.push(
    pluginView({
      manifest: { publicJobs },
      status: { capabilities: { methods: [], scheduled_tasks: [], jobs: ["export"] } },
    }),
    pluginView({ config: { id: 40 } }),
  );
  const path = "/_hogpen/api/plugin_configs/39/jobs/export";
  const cases: [path: string, body: unknown, detail: string][] = [
    ["/_hogpen/api/plugin_configs/40/jobs/export", {}, "Plugin has no public jobs"],
    ["/_hogpen/api/plugin_configs/39/jobs/other", {}, "Unknown plugin job: 'other'"],
    ["/_hogpen/api/plugin_configs/39/jobs/hidden", {}, "Unknown plugin job: 'hidden'"],
    ["/_hogpen/api/plugin_configs/39/jobs/constructor", {}, "Unknown plugin job: 'constructor'"],
    [path, { payload: {} }, "Missing required job field: from"],
    [path, { payload: { from: "a", to: "b" } }, "Unknown field for job: to"],
    [path, { payload: { from: "a", count: "1" } }, "Wrong type of job field: count must be a number"],
    ["/_hogpen/api/plugin_configs/39/job", { job: { payload: {} } }, "The job type must be specified!"],
  ];
  for (const [at, body, detail] of cases) {
    const answer = await api.call("POST", at, body);
    assert.equal(answer.status, 400);
    assert.equal(answer.body.detail, detail);
  }
  assert.equal(api.seen.jobs, 0);

  const bodies = [{ payload: { from: "a", count: 1 } }, { from: "a", count: 1 }];
  for (const body of bodies) {
    const started = await api.call("POST", path, body);
    assert.equal(started.status, 200, JSON.stringify(started.body));
    assert.equal(started.body.state, "waiting");
    assert.deepEqual(started.body.payload, { from: "a", count: 1, $operation: "start" });
  }
  const job = { type: "export", payload: { from: "b" }, operation: "stop" };
  const started = await api.call("POST", "/_hogpen/api/plugin_configs/39/job", { job });
  assert.deepEqual(started.body.payload, { from: "b", $operation: "stop" });
  assert.equal(api.seen.jobs, 3);
  const { body } = await api.call("GET", "/_hogpen/api/jobs?plugin_config_id=39");
  assert.equal(body.results!.length, 3);
});

Deno.test("GET /api/jobs lists, shows and cancels", async () => {
  await using api = await startApi();
  const job = (type: string) =>
    api.store.jobs.enqueue({
      kind: "plugin",
      pluginConfigId: 39,
      teamId: 1,
      type,
      payload: { type },
      runAt: 5_000,
      attempt: 1,
      maxAttempts: 6,
    });
  const [first] = [await job("a"), await job("b"), await job("c")];
  const list = async (query: string) => (await api.call("GET", `/_hogpen/api/jobs?${query}`)).body;
  assert.equal((await list("")).results!.length, 3);
  const page = await list("limit=2");
  assert.equal((await list(`limit=2&next=${encodeURIComponent(String(page.next))}`)).results!.length, 1);
  const shown = (await api.call("GET", `/_hogpen/api/jobs/${first.id}`)).body;
  assert.equal(shown.run_at, "1970-01-01T00:00:05.000Z");
  assert.equal(shown.attempt, 1);
  assert.equal(shown.max_attempts, 6);
  assert.equal((await api.call("POST", `/_hogpen/api/jobs/${first.id}/cancel`)).status, 200);
  const again = await api.call("POST", `/_hogpen/api/jobs/${first.id}/cancel`);
  assert.equal(again.status, 409);
  assert.match(String(again.body.detail), /it is cancelled/);
  assert.equal((await list("state=cancelled")).results!.length, 1);
  assert.equal((await api.call("GET", "/_hogpen/api/jobs?state=lost")).status, 400);
});

Deno.test("/_hogpen/api/consumers shows lag, pauses, resumes and rewinds", async () => {
  await using api = await startApi();
  await fillOutbox(api.log, 3);
  const delivered: StoredRecord[] = [];
  const spec: ConsumerSpec = {
    id: "destination:1/my file",
    project: 1,
    revision: "1",
    batching: { maxEvents: 10, maxBytes: 1e6, maxWaitMs: 0 },
    openSink: () => ({
      deliver(batch) {
        delivered.push(...batch);
        return Promise.resolve([]);
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
  };
  await api.consumers.apply({ run: [spec], reserve: [] });
  await fillOutbox(api.log, 3);
  await eventually("3 events are delivered", () => delivered.length === 3);

  const shown = async () => (await api.call("GET", "/_hogpen/api/consumers?project=1")).body.results!;
  await eventually("the lag is gone", async () => Number((await shown())[0]!.lag!.events) === 0);
  const listed = await shown();
  assert.equal(listed.length, 1);
  assert.equal(listed[0]!.id, spec.id);
  assert.equal(listed[0]!.state, "running");
  assert.deepEqual((await api.call("GET", "/_hogpen/api/consumers?project=2")).body.results, []);

  // Ids have a slash in them: encoded or not, it is the same consumer.
  for (const path of [encodeURIComponent(spec.id), "destination:1/my%20file"]) {
    assert.equal((await api.call("POST", `/_hogpen/api/consumers/${path}/pause`)).status, 200, path);
    assert.equal((await api.call("GET", `/_hogpen/api/consumers/${path}`)).body.state, "paused");
    assert.equal((await api.call("POST", `/_hogpen/api/consumers/${path}/resume`)).status, 200);
  }
  const path = `/_hogpen/api/consumers/${encodeURIComponent(spec.id)}/rewind`;
  assert.equal((await api.call("POST", path, { time: 0 })).status, 200);
  await eventually("9 events are delivered", () => delivered.length === 9);
  assert.equal((await api.call("POST", path, { time: "1970-01-01T00:00:00Z" })).status, 200);
  await eventually("15 events are delivered", () => delivered.length === 15);
  assert.equal((await api.call("POST", path, {})).status, 400);
  assert.equal((await api.call("POST", path, { cursor: "wrong" })).status, 400);
  assert.equal((await api.call("POST", "/_hogpen/api/consumers/none/pause")).status, 404);
  assert.equal((await api.call("GET", "/_hogpen/api/consumers/none")).status, 404);
});

Deno.test("/_hogpen/api/dead_letters lists, shows, requeues and deletes", async () => {
  await using api = await startApi();
  const letter = (consumer: string, event: string) => ({ teamId: 1, consumer, reason: "poison", event });
  const event = JSON.stringify(outboxEvent(1));
  await api.store.deadLetters.add([
    letter("processEvent:39", event),
    letter("destination:1/gone", event),
    letter("processEvent:40", "not json"),
  ]);
  const list = async (query = "") => (await api.call("GET", `/_hogpen/api/dead_letters?${query}`)).body.results!;
  assert.equal((await list()).length, 3);
  const [mine] = await list("consumer=processEvent:39");
  assert.deepEqual((await api.call("GET", `/_hogpen/api/dead_letters/${mine!.id}`)).body.event, outboxEvent(1));

  assert.equal((await api.call("POST", `/_hogpen/api/dead_letters/${mine!.id}/requeue`)).status, 200);
  const [record] = await api.log.read("inbox", 1, "", { maxEvents: 10, maxBytes: 1e6 });
  assert.equal(record?.key, "d");
  assert.equal(new TextDecoder().decode(record?.event), event);
  assert.deepEqual(await list("consumer=processEvent:39"), []);

  for (const consumer of ["destination:1/gone", "processEvent:40"]) {
    const [stuck] = await list(`consumer=${encodeURIComponent(consumer)}`);
    const answer = await api.call("POST", `/_hogpen/api/dead_letters/${stuck!.id}/requeue`);
    assert.equal(answer.status, 409, consumer);
    assert.equal((await api.call("DELETE", `/_hogpen/api/dead_letters/${stuck!.id}`)).status, 200);
    assert.equal((await api.call("DELETE", `/_hogpen/api/dead_letters/${stuck!.id}`)).status, 404);
  }
  assert.deepEqual(await list(), []);
});

Deno.test("HT-01 /_health answers 200", async () => {
  await using api = await startApi();
  const response = await api.app.request("/_health");
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), { status: "ok" });
});

Deno.test("HT-02 /_ready answers 200, and 503 with the name of what is away", async () => {
  let here = true;
  const backEnds = [
    { name: "the store", ping: () => Promise.resolve(true) },
    { name: "the cache", ping: () => here ? Promise.resolve(true) : Promise.reject(new Error("refused")) },
  ];
  await using api = await startApi({ backEnds });
  assert.equal((await api.call("GET", "/_ready")).status, 200);
  here = false;
  const { status, body } = await api.call("GET", "/_ready");
  assert.equal(status, 503);
  assert.deepEqual(body, { status: "error", away: ["the cache"], detail: "Not ready: the cache cannot be reached" });
});

Deno.test("/metrics counts events and shows consumers and plugins", async () => {
  await using api = await startApi();
  api.plugins.push(pluginView());
  const body = JSON.stringify({
    api_key: TOKEN,
    batch: [{ event: "a", distinct_id: "d" }, { event: "b", distinct_id: "d" }],
  });
  await (await api.app.request("/batch", { method: "POST", body })).body?.cancel();
  await (await api.app.request("/batch", { method: "POST", body: "{" })).body?.cancel();
  api.telemetry.plugins.batch("processEvent", [39], {
    outcomes: ["od"],
    errors: [],
    events: { lengths: [], body: new Uint8Array() },
  }, 3);
  const response = await api.app.request("/metrics");
  const text = await response.text();
  assert.match(response.headers.get("content-type") ?? "", /^text\/plain/);
  assert.match(text, /^hogpen_events_stored_total\{project="1"\} 2$/m);
  assert.match(text, /^hogpen_capture_requests_total\{status="200"\} 1$/m);
  assert.match(text, /^hogpen_capture_requests_total\{status="400"\} 1$/m);
  assert.match(text, /^hogpen_plugin_cpu_seconds_total\{project="1",plugin_config="39"\} 0.12$/m);
  const labels = 'project="1",plugin_config="39",function="processEvent"';
  assert.match(text, new RegExp(`^hogpen_plugin_events_total\\{${labels},outcome="dropped"\\} 1$`, "m"));
  assert.match(
    text,
    new RegExp(`^hogpen_plugin_call_duration_seconds_bucket\\{le="0.005",${labels}\\} 1$`, "m"),
  );
  assert.match(
    text,
    new RegExp(`^hogpen_plugin_call_duration_seconds_bucket\\{le="\\+Inf",${labels}\\} 1$`, "m"),
  );
  assert.match(text, new RegExp(`^hogpen_plugin_call_duration_seconds_sum\\{${labels}\\} 0.003$`, "m"));
});
