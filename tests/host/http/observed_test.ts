/**
 * Proves that the API finds events, dropped events, traces, failures and metrics, and streams live updates without
 * slowing for slow readers.
 */

import assert from "node:assert/strict";
import { TOKEN } from "../../kit/capture_service.ts";
import { ADMIN_TOKEN, type ApiService, startApi } from "../../kit/api_service.ts";
import { createTraceTap, type Trace } from "../../../host/telemetry/trace_tap.ts";

const encoder = new TextEncoder();

function event(n: number, fields: Record<string, unknown> = {}) {
  const json = JSON.stringify({
    uuid: `uuid-${n}`,
    event: n % 2 === 0 ? "even" : "odd",
    distinct_id: `user ${n % 3}`,
    team_id: 1,
    timestamp: "2026-01-01T00:00:00.000Z",
    properties: { n, plan: n > 5 ? "big" : "small", $plugins_succeeded: ["A (1)"], ...fields },
  });
  return { key: `user ${n % 3}`, event: encoder.encode(json) };
}

async function found(api: ApiService, query: string): Promise<number[]> {
  const { status, body } = await api.call("GET", `/_hogpen/api/events?team_id=1&payload=true&${query}`);
  assert.equal(status, 200, JSON.stringify(body));
  return body.results!.map((each) => Number(each.payload!.properties!.n));
}

Deno.test("GET /api/events finds events newest first by name, user, uuid, properties and page", async () => {
  await using api = await startApi();
  for (let n = 1; n <= 10; n += 2) await api.log.append("outbox", 1, [event(n), event(n + 1)]);
  assert.deepEqual(await found(api, ""), [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
  assert.deepEqual(await found(api, "event=even&distinct_id=user 1"), [10, 4]);
  assert.deepEqual(await found(api, "uuid=uuid-7"), [7]);
  assert.deepEqual(await found(api, "property=plan%3Dbig%26n%3D8"), [8]);
  assert.deepEqual(await found(api, "property=plan%3Dhuge"), []);
  assert.deepEqual(await found(api, "before=1000"), []);
  assert.deepEqual(await found(api, `after=${Date.now() + 1000}`), []);
  const pages: number[] = [];
  for (let next: string | null = ""; next !== null;) {
    const { body } = await api.call("GET", `/_hogpen/api/events?team_id=1&limit=3&payload=true&next=${next}`);
    pages.push(...body.results!.map((each) => Number(each.payload!.properties!.n)));
    next = body.next as unknown as string | null;
  }
  assert.deepEqual(pages, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);

  const { body } = await api.call("GET", "/_hogpen/api/events?team_id=1&limit=1");
  const [first] = body.results!;
  assert.equal(first!.payload, null, "payloads are sent on request");
  assert.deepEqual(first!.succeeded, ["A (1)"]);
  const one = await api.call("GET", `/_hogpen/api/events/${first!.cursor}?team_id=1`);
  assert.equal(one.body.payload!.uuid, "uuid-10");
  assert.equal((await api.call("GET", "/_hogpen/api/events/99?team_id=1")).status, 404);
  assert.equal((await api.call("GET", "/_hogpen/api/events?team_id=9")).status, 404);
  assert.equal((await api.call("GET", "/_hogpen/api/events?team_id=1&next=x")).status, 400);
});

Deno.test("a page of events stays below 100 KB, whatever is in them", async () => {
  await using api = await startApi();
  await api.log.append("outbox", 1, Array.from({ length: 20 }, (_, n) => event(n, { text: "x".repeat(20_000) })));
  const { body } = await api.call("GET", "/_hogpen/api/events?team_id=1&payload=true");
  assert.equal(body.results!.length, 20);
  assert(JSON.stringify(body).length < 100_000);
  assert.notEqual(body.results![0]!.payload, null);
});

Deno.test("what plugins drop is kept as a sample, with who dropped it", async () => {
  await using api = await startApi();
  const records = Array.from({ length: 20 }, (_, n) => ({ ...event(n), cursor: String(n + 1), at: Date.now() }));
  api.telemetry.observer.dropped(1, records, [{
    plugin: { pluginConfigId: 39, mark: "A (39)" },
    outcomes: records.map((_, n) => n === 0 ? "o" : "d"),
  }]);
  await api.telemetry.flush();
  const { body } = await api.call("GET", "/_hogpen/api/dropped_events?plugin_config_id=39&payload=true");
  // A second may have passed meanwhile.
  assert(body.results!.length >= 5 && body.results!.length <= 10, String(body.results!.length));
  const last = body.results!.at(-1)!;
  assert.deepEqual([last.uuid, last.plugin_config_id, last.payload!.properties!.n], ["uuid-1", 39, 1]);
  assert.equal((await api.call("GET", `/_hogpen/api/dropped_events/${last.id}`)).body.uuid, "uuid-1");
  assert.equal((await api.call("GET", `/_hogpen/api/traced_events/${last.id}`)).status, 404);
});

Deno.test("an order to trace keeps what each plugin made of the events of a user", async () => {
  await using api = await startApi();
  const order = await api.call("POST", "/_hogpen/api/traces", { team_id: 1, distinct_id: "user 1" });
  assert.equal(order.status, 200);
  assert.equal((await api.call("POST", "/_hogpen/api/traces", { team_id: 9 })).status, 404);
  assert.equal((await api.call("POST", "/_hogpen/api/traces", { team_id: 1, minutes: -1 })).body.pointer, "/minutes");
  const records = [event(1), event(2), event(4)].map((each, n) => ({ ...each, cursor: String(n + 1), at: 0 }));
  const before = {
    lengths: records.map((each) => each.event.byteLength),
    body: joined(records.map((each) => each.event)),
  };
  const changed = encoder.encode('{"changed":true}');
  const tap = api.telemetry.observer.tap(1, records);
  const stage = [{ pluginConfigId: 39, mark: "A (39)" }];
  tap?.stage(stage, [0, 1, 2], before, {
    outcomes: ["oof"],
    errors: [{ event: 2, plugin: 0, error: { name: "Error", message: "no", retry: false } }],
    events: {
      lengths: [changed.byteLength, before.lengths[1]!, before.lengths[2]!],
      body: joined([changed, records[1]!.event, records[2]!.event]),
    },
  }, 3.14159);
  tap?.done();
  await api.telemetry.flush();
  const { body } = await api.call("GET", "/_hogpen/api/traced_events?distinct_id=user 1&payload=true");
  const steps = body.results!.map((each) => each.payload!.steps!);
  assert.deepEqual(steps, [
    [{ plugin_config_id: 39, outcome: "failed", error: { name: "Error", message: "no", retry: false }, ms: 3.14 }],
    [{ plugin_config_id: 39, outcome: "ok", event: { changed: true }, ms: 3.14 }],
  ]);
  const { body: orders } = await api.call("GET", "/_hogpen/api/traces");
  assert.equal(orders.results![0]!.chosen, 2);
  assert.equal((await api.call("DELETE", `/_hogpen/api/traces/${order.body.id}`)).status, 200);
  assert.equal((await api.call("DELETE", `/_hogpen/api/traces/${order.body.id}`)).status, 404);
});

Deno.test("a trace says who dropped an event, and ends there", () => {
  const records = [{ ...event(1), cursor: "1", at: 0 }];
  const traces: Trace[] = [];
  const tap = createTraceTap(records, [0], (_, trace) => traces.push(trace));
  const before = { lengths: [records[0]!.event.byteLength], body: records[0]!.event };
  const plugins = [{ pluginConfigId: 1, mark: "" }, { pluginConfigId: 2, mark: "" }];
  tap.stage(plugins, [0], before, {
    outcomes: ["d", "s"],
    errors: [],
    events: { lengths: [0], body: new Uint8Array() },
  }, 1);
  tap.done();
  assert.deepEqual(traces[0]?.steps, [
    { plugin_config_id: 1, outcome: "dropped", event: null, ms: 1 },
    { plugin_config_id: 2, outcome: "skipped", event: null, ms: 1 },
  ]);
});

Deno.test("errors and warnings are listed, shown with stack and sample, and forgotten", async () => {
  await using api = await startApi();
  const error = { name: "TypeError", message: "x is not a function", stack: "at /index.js:3:1", retry: false };
  api.telemetry.plugins.failed(39, 1, "processEvent", error, () => '{"event":"a"}');
  await (await api.app.request("/batch", { method: "POST", body: `{"api_key":"${TOKEN}","batch":[{}]}` })).text();
  await api.telemetry.flush();
  const { body } = await api.call("GET", "/_hogpen/api/errors?plugin_config_id=39");
  const [kept] = body.results!;
  assert.deepEqual([kept!.message, kept!.count, kept!.place], ["TypeError: x is not a function", 1, "processEvent"]);
  const one = await api.call("GET", `/_hogpen/api/errors/${kept!.fingerprint}`);
  assert.deepEqual([one.body.stack, one.body.sample], ["at /index.js:3:1", { event: "a" }]);
  assert.equal((await api.call("GET", `/_hogpen/api/ingestion_warnings/${kept!.fingerprint}`)).status, 404);
  const warnings = await api.call("GET", "/_hogpen/api/ingestion_warnings?team_id=1");
  assert.equal(warnings.body.results![0]!.place, "invalid_payload");
  assert.equal((await api.call("DELETE", `/_hogpen/api/errors/${kept!.fingerprint}`)).status, 200);
  assert.equal((await api.call("DELETE", `/_hogpen/api/errors/${kept!.fingerprint}`)).status, 404);
});

Deno.test("metrics are read as series, as totals and as they stand", async () => {
  await using api = await startApi();
  api.telemetry.intake.stored(1, 7);
  await api.telemetry.flush();
  const series = await api.call("GET", "/_hogpen/api/metrics/series?subject=project:*&field=stored,p95_ms&points=4");
  const [project] = series.body.results!;
  assert.equal(project!.subject, "project:1");
  assert.equal(project!.fields!.stored!.reduce((sum, each) => sum + Number(each), 0), 7);
  const totals = await api.call("GET", "/_hogpen/api/metrics/totals?subject=project:1");
  assert.deepEqual(totals.body.results, [{ subject: "project:1", fields: { received: 7, stored: 7 } }]);
  const now = await api.call("GET", "/_hogpen/api/metrics/now?subject=project:1");
  assert.deepEqual(now.body.results, [{ subject: "project:1", fields: { received: 7, stored: 7 } }]);
  assert.equal((await api.call("GET", "/_hogpen/api/metrics/series?subject=x&from=2000&to=1000")).status, 400);
});

Deno.test("GET /api/live tells what happens, resumes after what was seen, and drops who does not read", async () => {
  await using api = await startApi();
  const open = async (query: string, headers: Record<string, string> = {}) => {
    const response = await api.app.request(`/_hogpen/api/live?${query}`, {
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, ...headers },
    });
    assert.equal(response.headers.get("content-type"), "text/event-stream");
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    return { next: async () => (await reader.read()).value, cancel: () => reader.cancel() };
  };
  const publish = (n: number, pluginConfigId = 39) =>
    api.feed.publish({ topic: "logs", pluginConfigId, teamId: 1, data: { n } });

  const first = await open("topics=logs&plugin_config_id=39");
  assert.equal(await first.next(), "retry: 2000\n\n");
  assert.match(await first.next() ?? "", /event: hello/);
  publish(1);
  publish(2, 40);
  api.feed.publish({ topic: "lag", data: {} });
  publish(3);
  assert.match(await first.next() ?? "", /^id: 1\nevent: logs\ndata: \{"n":1\}\n\n$/);
  assert.match(await first.next() ?? "", /^id: 4\n/);
  await first.cancel();
  assert.equal(api.feed.readers, 0);

  const resumed = await open("topics=logs", { "last-event-id": "1" });
  await resumed.next();
  assert.match(await resumed.next() ?? "", /^id: 2\n/);
  await resumed.cancel();
  const lost = await open("topics=logs", { "last-event-id": "999" });
  await lost.next();
  assert.match(await lost.next() ?? "", /event: reset/);
  assert.equal(api.feed.readers, 1);
  for (let n = 0; n < 50; n++) api.feed.publish({ topic: "logs", data: "x".repeat(100_000) });
  assert.equal(api.feed.readers, 0, "it did not read");
  await lost.cancel();
  assert.equal((await api.call("GET", "/_hogpen/api/live?topics=weather")).status, 400);
});

function joined(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}
