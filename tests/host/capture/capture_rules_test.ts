/** Proves that capture stores, changes and refuses events by PostHog's rules. */

import { clientIp } from "../../../host/capture/client_ip.ts";
import { readProxies } from "../../../host/config/trusted_proxies.ts";
import assert from "node:assert/strict";
import type { PluginEvent } from "../../../runtime/events/event.ts";
import { NOW, PERSONAL_KEY, projectConfig, startCaptureService, TOKEN } from "../../kit/capture_service.ts";

const UUID_7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** What becomes of one request's events; the answer must be 200. */
async function stored(path: string, body: unknown, headers: Record<string, string> = {}): Promise<PluginEvent[]> {
  await using service = await startCaptureService();
  const response = await service.post(path, body, headers);
  assert.equal(response.status, 200, await response.text());
  return await service.events();
}

async function refused(path: string, body: unknown, status: number, code: string, detail?: string): Promise<void> {
  await using service = await startCaptureService();
  const response = await service.post(path, body, { origin: "https://page.example" });
  const answer = await response.json();
  assert.equal(response.status, status, JSON.stringify(answer));
  assert.equal(answer.code, code);
  assert.equal(answer.type, status === 401 ? "authentication_error" : "validation_error");
  if (detail) assert.equal(answer.detail, detail);
  assert.equal(response.headers.get("access-control-allow-origin"), "https://page.example");
  assert.deepEqual(await service.events(), []);
}

const one = (fields: Record<string, unknown> = {}) => ({
  token: TOKEN,
  event: "e",
  distinct_id: "d",
  properties: {},
  ...fields,
});

Deno.test("capture() takes every path, with and without a trailing slash", async () => {
  await using service = await startCaptureService();
  const paths = ["/e", "/capture", "/track", "/engage", "/batch", "/i/v0/e", "/i/v0/ai/batch", "/s"];
  for (const path of paths.flatMap((path) => [path, `${path}/`])) {
    const response = await service.post(path, { api_key: TOKEN, batch: [one({ event: path })] });
    assert.equal(response.status, 200, path);
    assert.match(response.headers.get("content-type") ?? "", /^application\/json/);
    assert.deepEqual(await response.json(), { status: 1 });
  }
  const events = await service.events();
  assert.deepEqual(
    events.map((event) => event.event),
    paths.flatMap((path) => path === "/engage" ? ["$identify", "$identify"] : [path, `${path}/`]),
  );
});

Deno.test("RC-01 SH-01 one event is stored with everything that plugins may count on", async () => {
  const sent = one({ timestamp: "2026-05-04T10:00:00+02:00", custom: 1, properties: { $lib: "x", a: "ü" } });
  const [event] = await stored("/i/v0/e/", sent);
  assert.match(event?.uuid ?? "", UUID_7);
  assert.deepEqual(event, {
    token: TOKEN,
    event: "e",
    distinct_id: "d",
    properties: { $lib: "x", a: "ü" },
    timestamp: "2026-05-04T10:00:00+02:00",
    custom: 1,
    uuid: event?.uuid,
    ip: null,
    site_url: "http://localhost",
    team_id: 1,
    now: new Date(NOW).toISOString(),
  });
});

Deno.test("RC-02 an array of events is stored in order", async () => {
  const events = await stored("/e", [one({ event: "1" }), one({ event: "2" }), one({ event: "3" })]);
  assert.deepEqual(events.map(({ event }) => event), ["1", "2", "3"]);
  assert.equal(new Set(events.map(({ uuid }) => uuid)).size, 3);
});

Deno.test("RC-03 RC-04 CP-19 a batch is stored, historical or not, and properties are added", async () => {
  const [event] = await stored("/batch", {
    api_key: TOKEN,
    historical_migration: true,
    batch: [{ event: "e", distinct_id: "d" }],
  });
  assert.deepEqual(event?.properties, {});
});

Deno.test("CP-20 one invalid event does not cost the others, and the answer says which it was", async () => {
  await using service = await startCaptureService();
  const noId = { event: "no id", uuid: "01890000-0000-7000-8000-000000000001" };
  const response = await service.post("/batch", { api_key: TOKEN, batch: [one(), noId, one(), 5] });
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), {
    status: 1,
    dropped_events: 2,
    dropped: [{
      index: 1,
      ...noId,
      code: "invalid_payload",
      reason: 'Invalid payload: All events must have the event field "distinct_id"!',
    }, { index: 3, code: "invalid_payload", reason: "Invalid payload: Every event must be an object!" }],
  });
  assert.equal((await service.events()).length, 2);
});

Deno.test("CP-20 a batch in which no event is valid is refused with what is wrong with the first", () =>
  refused(
    "/batch",
    { api_key: TOKEN, batch: [{ event: "no id" }, 5] },
    400,
    "invalid_payload",
    'Invalid payload: All events must have the event field "distinct_id"!',
  ));

Deno.test("an event whose distinct_id stands for nobody is dropped, as PostHog drops it", async () => {
  await using service = await startCaptureService();
  const junk = [
    "undefined",
    "Anonymous",
    '"null"',
    "'guest'",
    " NaN ",
    "[object Object]",
    "0",
    '""',
    "NOT_AUTHENTICATED",
  ];
  for (const distinct_id of junk) {
    const response = await service.post("/e", one({ distinct_id }));
    assert.equal(response.status, 200, distinct_id);
    assert.equal((await response.json()).dropped[0].code, "illegal_distinct_id", distinct_id);
  }
  assert.equal((await service.events()).length, 0);
  for (const distinct_id of ["Undefined Ltd", "identity", "nobody", "00", "NULL", "nan"]) {
    assert.deepEqual(await (await service.post("/e", one({ distinct_id }))).json(), { status: 1 }, distinct_id);
  }
});

Deno.test("a batch of history stays one, and each recording is corrected by its own sent_at", async () => {
  await using service = await startCaptureService();
  await service.post("/batch", { api_key: TOKEN, historical_migration: true, batch: [one()] });
  await service.post("/batch", { api_key: TOKEN, batch: [{ ...one(), historical_migration: true }] });
  const sentAt = "2026-03-01T10:00:00.000Z";
  const snapshot = { $snapshot_data: {}, $session_id: "s" };
  await service.post("/s", [{ ...one({ event: "$snapshot" }), properties: snapshot, sent_at: sentAt }]);
  const [history, live, recording] = await service.events();
  assert.equal(history?.historical_migration, true);
  assert.equal(live?.historical_migration, undefined);
  assert.equal(recording?.sent_at, sentAt);
});

Deno.test("CP-25 an unknown token is refused", () => refused("/e", one({ token: "other" }), 401, "invalid_api_key"));
Deno.test("CP-26 no token is refused", () => refused("/e", one({ token: undefined }), 401, "missing_api_key"));
Deno.test("CP-27 no distinct_id is refused", () =>
  refused("/e", one({ distinct_id: undefined }), 400, "invalid_payload"));
Deno.test("CP-35 NaN as distinct_id is refused", async () => {
  await using service = await startCaptureService();
  const body = `{"token": "${TOKEN}", "event": "e", "distinct_id": NaN, "properties": {"text": "NaN"}}`;
  const response = await service.request("/e", { method: "POST", body });
  assert.equal(response.status, 400);
  assert.equal((await response.json()).detail, 'Invalid payload: Event field "distinct_id" should not be blank!');
});
Deno.test("parseJson() makes NaN and Infinity null, but not inside strings", async () => {
  await using service = await startCaptureService();
  const body = `{"token": "${TOKEN}", "event": "NaN \\" Infinity", "distinct_id": "d",
    "properties": {"a": NaN, "b": -Infinity, "c": [Infinity, "-Infinity"]}}`;
  assert.equal((await service.request("/e", { method: "POST", body })).status, 200);
  const [event] = await service.events();
  assert.equal(event?.event, 'NaN " Infinity');
  assert.deepEqual(event?.properties, { a: null, b: null, c: [null, "-Infinity"] });
});
Deno.test("CP-36 RC-20 null or an empty text as distinct_id is refused", async () => {
  const detail = 'Invalid payload: Event field "distinct_id" should not be blank!';
  await refused("/e", one({ distinct_id: null }), 400, "invalid_payload", detail);
  await refused("/e", one({ distinct_id: "" }), 400, "invalid_payload", detail);
});
Deno.test("RC-20 distinct_id: the event's own wins, `$distinct_id` will do, other types become text", async () => {
  const events = await stored("/e", [
    one({ distinct_id: "own", $distinct_id: "alias", properties: { distinct_id: "property" } }),
    one({ distinct_id: undefined, $distinct_id: "alias", properties: { distinct_id: "property" } }),
    one({ distinct_id: undefined, properties: { distinct_id: "property" } }),
    one({ distinct_id: 0 }),
    one({ distinct_id: false }),
    one({ distinct_id: [1, "a"] }),
    one({ distinct_id: { a: 1 } }),
  ]);
  assert.deepEqual(
    events.map((event) => event.distinct_id),
    ["own", "alias", "property", "0", "false", '[1,"a"]', '{"a":1}'],
  );
});
Deno.test("CP-32 RC-08 RC-21 a long distinct_id is cut to 200 characters, none of them in half", async () => {
  const [plain, emoji] = await stored("/e", [
    one({ distinct_id: "a".repeat(250) }),
    one({ distinct_id: "💻".repeat(250) }),
  ]);
  assert.equal(plain?.distinct_id, "a".repeat(200));
  assert.equal(emoji?.distinct_id, "💻".repeat(200));
});
Deno.test("CP-28 /engage makes $identify of `$distinct_id` and `$token`", async () => {
  const [event] = await stored("/engage/", { $distinct_id: 3, $token: TOKEN, $set: { a: 1 } });
  assert.equal(event?.event, "$identify");
  assert.equal(event?.distinct_id, "3");
  assert.deepEqual(event?.properties.$set, { a: 1 });
});
Deno.test("CP-29 the token in a form field", async () => {
  await using service = await startCaptureService();
  const data = JSON.stringify(one({ token: undefined }));
  const body = new URLSearchParams({ data, api_key: TOKEN });
  assert.equal((await service.request("/track/", { method: "POST", body })).status, 200);
  assert.equal((await service.events()).length, 1);
});
Deno.test("RC-22 the token is found in every place", async () => {
  for (const name of ["token", "$token", "api_key"]) await stored("/e", [one({ token: undefined, [name]: TOKEN })]);
  await stored("/e", one({ token: undefined, properties: { token: TOKEN } }));
  await stored("/batch", { token: TOKEN, batch: [one({ token: undefined })] });
  await stored("/batch", { batch: [one({ token: undefined, properties: { token: TOKEN } })] });
  await stored(`/e?token=${TOKEN}`, one({ token: undefined }));
});
Deno.test("RC-22 events with different tokens are refused, unless the batch has its own", async () => {
  await refused("/e", [one(), one({ token: "other" })], 400, "invalid_payload");
  await stored("/batch", { api_key: TOKEN, batch: [one(), one({ token: "other" })] });
});
Deno.test("RC-23 RC-24 RC-25 RC-26 tokens that cannot be a project's are refused", async () => {
  await refused("/e", one({ token: "" }), 401, "missing_api_key");
  await refused("/e", one({ token: "x".repeat(65) }), 401, "invalid_api_key");
  await refused("/e", one({ token: "phc_ü" }), 401, "invalid_api_key");
  await refused("/e", one({ token: "phx_hello" }), 401, "invalid_api_key");
  await refused("/e", one({ token: 42 }), 401, "invalid_api_key");
});
Deno.test("CP-08 CP-09 a personal key with a project_id is taken", async () => {
  await stored("/e", one({ token: PERSONAL_KEY, project_id: 1 }));
  await stored("/e", [one({ token: undefined, api_key: PERSONAL_KEY, project_id: "1", properties: { token: "bad" } })]);
  await refused("/e", one({ token: PERSONAL_KEY }), 401, "invalid_api_key");
});
Deno.test("a project_id that is neither number nor text counts for nothing", async () => {
  await using service = await startCaptureService();
  // Too deep to be made a text.
  const projectId = "[".repeat(100_000) + "]".repeat(100_000);
  const body = `{"api_key": "phc_other", "project_id": ${projectId}, "event": "e", "distinct_id": "d"}`;
  const response = await service.request("/e", { method: "POST", body });
  assert.deepEqual([response.status, (await response.json()).code], [401, "invalid_api_key"]);
});
Deno.test("CP-43 a wrong personal key is refused", () =>
  refused(
    "/e",
    one({ token: "phx_wrong", project_id: 1 }),
    401,
    "invalid_personal_api_key",
    "Invalid Personal API key.",
  ));
Deno.test("CP-37 an event with an empty name is passed over", async () => {
  assert.deepEqual(await stored("/e", one({ event: "" })), []);
  assert.equal((await stored("/e", [one({ event: "" }), one()])).length, 1);
});
Deno.test("CP-41 an event without a name is refused", () =>
  refused(
    "/e",
    one({ event: undefined }),
    400,
    "invalid_payload",
    'Invalid payload: All events must have the event name field "event"!',
  ));
Deno.test("CP-38 RC-28 the client's uuid is kept", async () => {
  const [event] = await stored("/e", one({ uuid: "017D37C1-F285-0000-0E8B-E02D131925DC" }));
  assert.equal(event?.uuid, "017d37c1-f285-0000-0e8b-e02d131925dc");
});
Deno.test("a uuid is read in braces and as a URN", async () => {
  const uuid = "0190f5b0-0000-7000-8000-00000000000c";
  const events = await stored("/e", [one({ uuid: `{${uuid}}` }), one({ uuid: `urn:uuid:${uuid}` })]);
  assert.deepEqual(events.map((event) => event.uuid), [uuid, uuid]);
});
Deno.test("empty properties may be an array, as PHP writes them", async () => {
  const [event] = await stored("/e", one({ properties: [] }));
  assert.deepEqual(event?.properties, {});
});
Deno.test("a distinct_id that is a long number keeps its digits", async () => {
  // TypeScript does not know this function yet.
  const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };
  const long = rawJSON("175928847299117063");
  const [own, dollar, inside, short] = await stored("/e", [
    one({ distinct_id: long }),
    one({ distinct_id: undefined, $distinct_id: long }),
    one({ distinct_id: undefined, properties: { distinct_id: long, text: '"distinct_id": 175928847299117063' } }),
    one({ distinct_id: 9007199254740991, properties: { distinct_id: 9007199254740991 } }),
  ]);
  for (const event of [own, dollar, inside]) assert.equal(event?.distinct_id, "175928847299117063");
  const [identified] = await stored("/e", one({ event: "$identify", properties: { $anon_distinct_id: long } }));
  assert.equal(identified?.properties.$anon_distinct_id, "175928847299117063");
  assert.equal(inside?.properties.text, '"distinct_id": 175928847299117063');
  assert.equal(short?.distinct_id, "9007199254740991");
  assert.equal(short?.properties.distinct_id, 9007199254740991);
});
Deno.test("RC-27 an empty uuid counts as none", async () => {
  const [event] = await stored("/e", one({ uuid: "" }));
  assert.match(event?.uuid ?? "", UUID_7);
});
Deno.test("CP-39 RC-29 what is not a uuid is refused", () =>
  refused(
    "/e",
    one({ uuid: "not_a_uuid" }),
    400,
    "invalid_payload",
    'Invalid payload: Event field "uuid" is not a valid UUID!',
  ));
Deno.test("CP-40 $active_feature_flags is added for posthog-js, when it did not send them", async () => {
  const [web, own, other] = await stored("/e", [
    one({ properties: { $lib: "web" } }),
    one({ properties: { $lib: "web", $active_feature_flags: ["a"] } }),
    one({ properties: { $lib: "posthog-node" } }),
  ]);
  assert.deepEqual(web?.properties.$active_feature_flags, []);
  assert.deepEqual(own?.properties.$active_feature_flags, ["a"]);
  assert.equal(other?.properties.$active_feature_flags, undefined);
});
Deno.test("CP-42 a $snapshot without data is refused", () =>
  refused(
    "/e",
    one({ event: "$snapshot", properties: { $session_id: "s" } }),
    400,
    "invalid_payload",
    "Invalid payload: $snapshot events must contain property $snapshot_data!",
  ));
Deno.test("RC-13 RC-14 RC-15 RC-16 recordings need a session id, which stands in for the window's", async () => {
  const snapshot = (properties: Record<string, unknown>) => [one({ event: "$snapshot", properties })];
  const [event] = await stored("/s/", snapshot({ $snapshot_data: [{ type: 2 }], $session_id: "s" }));
  assert.equal(event?.properties.$window_id, "s");
  await refused("/s/", snapshot({ $snapshot_data: [] }), 400, "invalid_payload");
  await refused("/s/", snapshot({ $snapshot_data: [], $session_id: 42 }), 400, "invalid_payload");
});
Deno.test("prepareEvent() refuses what is not an event", async () => {
  for (const wrong of [null, 1, "text", []]) {
    await refused("/batch", { api_key: TOKEN, batch: [wrong] }, 400, "invalid_payload");
  }
  await refused("/e", one({ properties: ["a"] }), 400, "invalid_payload");
  await refused("/e", one({ event: 1 }), 400, "invalid_payload");
  await refused("/batch", { api_key: TOKEN, batch: {} }, 400, "invalid_payload");
});

Deno.test("CP-31 sent_at from ?_ in seconds and milliseconds", async () => {
  const [seconds] = await stored("/e?_=1651659630", one());
  assert.equal(seconds?.sent_at, "2022-05-04T10:20:30.000Z");
  const [milliseconds] = await stored("/e?_=1651659630400", one());
  assert.equal(milliseconds?.sent_at, "2022-05-04T10:20:30.400Z");
});
Deno.test("CP-33 sent_at from the form, the batch and the query", async () => {
  await using service = await startCaptureService();
  const body = new URLSearchParams({ data: JSON.stringify(one()), sent_at: "2026-05-04T12:20:30+02:00" });
  await service.request("/e", { method: "POST", body });
  await service.post("/batch", { api_key: TOKEN, sent_at: "2026-05-04T10:20:31.5Z", batch: [one()] });
  await service.post("/e?sent_at=1777890032000", one());
  await service.post("/batch", { api_key: TOKEN, sent_at: "yesterday", batch: [one()] });
  assert.deepEqual((await service.events()).map((event) => event.sent_at), [
    "2026-05-04T10:20:30.000Z",
    "2026-05-04T10:20:31.500Z",
    "2026-05-04T10:20:32.000Z",
    undefined,
  ]);
});

Deno.test("CP-02 CP-03 CP-04 the address comes from X-Forwarded-For, without its port", async () => {
  const spellings: [header: string, ip: string][] = [
    ["1.2.3.4", "1.2.3.4"],
    ["1.2.3.4:5555, 10.0.0.1", "1.2.3.4"],
    ["2345:0425:2CA1:0000:0000:0567:5673:23b5", "2345:0425:2CA1:0000:0000:0567:5673:23b5"],
    ["[2001:db8::1]:5555", "2001:db8::1"],
  ];
  for (const [header, ip] of spellings) {
    const [event] = await stored("/e", one(), { "x-forwarded-for": header });
    assert.equal(event?.ip, ip);
  }
});
Deno.test("a client cannot choose its address: proxies' entries are read from the right", () => {
  const options = { trustProxy: readProxies("private, 203.0.113.0/24"), clientIpHeader: null };
  const ip = (headers: Record<string, string>, remote = "10.0.0.9") => clientIp(new Headers(headers), remote, options);
  assert.equal(ip({ "x-forwarded-for": "6.6.6.6, 1.2.3.4" }), "1.2.3.4");
  assert.equal(ip({ "x-forwarded-for": "6.6.6.6, 1.2.3.4, 203.0.113.7, 10.1.1.1" }), "1.2.3.4");
  assert.equal(ip({ "x-forwarded-for": "unknown, 1.2.3.4:5555, unknown" }), "1.2.3.4");
  assert.equal(ip({ forwarded: 'for=6.6.6.6, for="[2001:db8::1]:99";proto=https' }), "2001:db8::1");
  assert.equal(ip({ "x-real-ip": "1.2.3.4" }), "1.2.3.4");
  assert.equal(ip({ "x-forwarded-for": "6.6.6.6" }, "8.8.8.8"), "8.8.8.8");
  assert.equal(ip({ "x-forwarded-for": "10.2.2.2, 10.1.1.1" }), "10.2.2.2");
  assert.throws(() => readProxies("10.0.0.0/33"), /addresses and networks/);
});
Deno.test("clientIp() is the connection's address without a header, with a wrong one, and when proxies are not trusted", async () => {
  const remote: Deno.Addr = { transport: "tcp", hostname: "192.0.2.7", port: 4000 };
  for (const [header, trusted] of [[undefined, true], ["<script>", true], ["1.2.3.4", false]] as const) {
    await using service = await startCaptureService([projectConfig()], { trustProxy: () => trusted });
    const headers = header ? { "x-forwarded-for": header } : {};
    await service.request("/e", { method: "POST", body: JSON.stringify(one()), headers }, remote);
    assert.equal((await service.events())[0]?.ip, "192.0.2.7");
  }
});
Deno.test("CP-05 a project that anonymises addresses stores none", async () => {
  await using service = await startCaptureService([projectConfig({ anonymizeIps: true })]);
  await service.post("/e", one(), { "x-forwarded-for": "1.2.3.4" });
  assert.equal((await service.events())[0]?.ip, null);
});

Deno.test("CP-01 the page's origin is echoed", async () => {
  await using service = await startCaptureService();
  const response = await service.post("/e", one(), { origin: "https://page.example" });
  await response.body?.cancel();
  assert.equal(response.headers.get("access-control-allow-origin"), "https://page.example");
  assert.equal(response.headers.get("access-control-allow-credentials"), "true");
});
Deno.test("CP-44 OPTIONS allows whatever headers the browser asks for: tracing tools add their own", async () => {
  await using service = await startCaptureService();
  for (const path of ["/e/", "/batch", "/flags", "/i/v1/analytics/events"]) {
    const asked = ["traceparent", "baggage", "sentry-trace", "x-datadog-trace-id", "b3", "x-made-up"];
    const response = await service.request(path, {
      method: "OPTIONS",
      headers: {
        origin: "https://page.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": asked.join(","),
      },
    });
    await response.body?.cancel();
    const allowed = response.headers.get("access-control-allow-headers")?.toLowerCase().split(",") ?? [];
    for (const name of [...asked, "content-type"]) assert.ok(allowed.includes(name), `${path}: ${name}`);
  }
});

Deno.test("EV-07 what the server knows wins over the event's own fields", async () => {
  const [event] = await stored("/e", one({ team_id: 9, now: "x", site_url: "x", ip: "9.9.9.9", sent_at: "x" }));
  assert.equal(event?.team_id, 1);
  assert.equal(event?.now, new Date(NOW).toISOString());
  assert.equal(event?.site_url, "http://localhost");
  assert.equal(event?.ip, null);
  assert.equal(event?.sent_at, undefined);
});
Deno.test("capture() keeps the projects apart", async () => {
  await using service = await startCaptureService([projectConfig(), projectConfig({ id: 2, token: "phc_two" })]);
  await service.post("/e", one());
  await service.post("/e", one({ token: "phc_two" }));
  assert.equal((await service.events(1))[0]?.team_id, 1);
  assert.equal((await service.events(2))[0]?.team_id, 2);
});

Deno.test("a time that no year of four digits has is told of, and does not cost the event", async () => {
  const told: string[] = [];
  await using service = await startCaptureService([projectConfig()], { onRepaired: (_, code) => told.push(code) });
  const sentAt = new Date(NOW - 3_600_000).toISOString();
  const events = [one({ timestamp: 8.64e15 }), one({ timestamp: Date.UTC(20_000, 0) })];
  const response = await service.post("/batch", { api_key: TOKEN, sent_at: sentAt, batch: events });
  assert.deepEqual(await response.json(), { status: 1 });
  assert.deepEqual(told, ["ignored_invalid_timestamp", "ignored_invalid_timestamp"]);
});

Deno.test("what is not taken as it was sent is told with PostHog's words for it", async () => {
  const told: [string, string][] = [];
  await using service = await startCaptureService([projectConfig()], {
    onRepaired: (_, code, detail) => told.push([code, detail]),
  });
  const at = (ms: number) => new Date(NOW + ms).toISOString();
  const day = 24 * 3600 * 1000;
  await service.post("/batch", {
    api_key: TOKEN,
    batch: [
      one({ timestamp: "yesterday" }),
      one({ timestamp: at(2 * day) }),
      one({ distinct_id: "x".repeat(201), event: "y".repeat(201) }),
      // As it should be: a clock a little ahead, a name of the longest kind.
      one({ timestamp: at(day / 2), distinct_id: "x".repeat(200), event: "y".repeat(200) }),
    ],
  });
  // A client whose clock is two days ahead says so by its sent_at.
  await service.post("/batch", { api_key: TOKEN, sent_at: at(2 * day), batch: [one({ timestamp: at(2 * day) })] });
  assert.deepEqual(told.map(([code]) => code), [
    "ignored_invalid_timestamp",
    "event_timestamp_in_future",
    "distinct_id_cut",
    "event_name_cut",
  ]);
  assert.match(told[0]?.[1] ?? "", /^The timestamp "yesterday" of ".*" cannot be read/);
  assert.equal((await service.events()).length, 5);
});
