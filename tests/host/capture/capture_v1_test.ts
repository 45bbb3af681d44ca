/** Proves that the V1 capture endpoint gives a result for each event, in every compression, and final errors. */

import assert from "node:assert/strict";
import zlib from "node:zlib";
import { NOW, projectConfig, startCaptureService, TOKEN } from "../../kit/capture_service.ts";

const PATH = "/i/v1/analytics/events";
const FIRST = "017d37c1-f285-7000-8e8b-e02d131925dc";
const SECOND = "017d37c1-f285-7000-8e8b-e02d131925dd";

const event = (fields: Record<string, unknown> = {}) => ({
  event: "e",
  uuid: FIRST,
  distinct_id: "d",
  timestamp: "2026-05-04T10:00:00.000Z",
  properties: { a: 1 },
  ...fields,
});

const headers = {
  authorization: `Bearer ${TOKEN}`,
  "posthog-sdk-info": "posthog-node/9.9.9",
  "posthog-attempt": "1",
  "posthog-request-id": "req-1",
  "posthog-request-timestamp": "2026-05-04T10:20:31.000Z",
};

Deno.test("SH-07 V1: a result for each event, and properties where plugins know them", async () => {
  await using service = await startCaptureService();
  const batch = [
    event({
      session_id: "s",
      window_id: "w",
      options: { process_person_profile: false, disable_skew_correction: true },
    }),
    event({ uuid: SECOND, distinct_id: "" }),
  ];
  const response = await service.post(PATH, { created_at: "2026-05-04T10:20:00.000Z", batch }, headers);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("posthog-request-id"), "req-1");
  assert.equal(response.headers.get("retry-after"), null);
  const { results } = await response.json();
  assert.deepEqual(Object.keys(results), [FIRST, SECOND]);
  assert.deepEqual(results[FIRST], { result: "ok" });
  assert.equal(results[SECOND].result, "drop");
  assert.match(results[SECOND].details, /distinct_id/);

  const [stored, ...others] = await service.events();
  assert.deepEqual(others, []);
  assert.deepEqual(stored?.properties, {
    a: 1,
    $lib: "posthog-node",
    $lib_version: "9.9.9",
    $session_id: "s",
    $window_id: "w",
    $ignore_sent_at: true,
    $process_person_profile: false,
  });
  assert.equal(stored?.uuid, FIRST);
  assert.equal(stored?.now, new Date(NOW).toISOString());
  assert.equal(stored?.sent_at, "2026-05-04T10:20:31.000Z");
  assert.equal(stored?.options, undefined);
});

Deno.test("SH-07 V1: gzip, deflate, br and zstd", async () => {
  await using service = await startCaptureService();
  const body = JSON.stringify({ created_at: "2026-05-04T10:20:00.000Z", batch: [event()] });
  const encodings = {
    gzip: zlib.gzipSync(body),
    deflate: zlib.deflateSync(body),
    br: zlib.brotliCompressSync(body),
    zstd: zlib.zstdCompressSync(body),
  };
  for (const [encoding, bytes] of Object.entries(encodings)) {
    const init = { method: "POST", body: new Uint8Array(bytes), headers: { ...headers, "content-encoding": encoding } };
    const response = await service.request(`${PATH}/`, init);
    assert.deepEqual(await response.json(), { results: { [FIRST]: { result: "ok" } } }, encoding);
  }
  assert.equal((await service.events()).length, 4);
});

Deno.test("SH-07 V1: errors are final and say what is wrong", async () => {
  await using service = await startCaptureService();
  const cases: [body: unknown, headers: Record<string, string>, status: number][] = [
    [{ batch: [event()] }, { authorization: "Bearer phc_wrong" }, 401],
    [{ batch: [event()] }, {}, 401],
    [{ events: [] }, headers, 400],
    [{ batch: [event({ uuid: "x" })] }, headers, 400],
  ];
  for (const [body, given, status] of cases) {
    const response = await service.post(PATH, body, given);
    const answer = await response.json();
    assert.equal(response.status, status);
    assert.equal(typeof answer.error, "string");
    assert.equal(typeof answer.error_description, "string");
    assert.ok("error_uri" in answer);
    assert.equal(response.headers.get("retry-after"), null);
  }
  assert.deepEqual(await service.events(), []);
});

Deno.test("SH-07 V1: pages may send its headers", async () => {
  await using service = await startCaptureService();
  const response = await service.request(PATH, {
    method: "OPTIONS",
    headers: {
      origin: "https://page.example",
      "access-control-request-headers": "authorization,content-type,posthog-attempt,x-other",
    },
  });
  await response.body?.cancel();
  assert.equal(
    response.headers.get("access-control-allow-headers"),
    "X-Requested-With,Content-Type,authorization,content-type,posthog-attempt,x-other",
  );
});

Deno.test("in front of a PostHog no active flags are invented, by the old endpoints and by the new one", async () => {
  const upstream = { host: "https://posthog.example", assetsHost: "https://posthog.example", apiKey: null };
  await using service = await startCaptureService([projectConfig({ upstream })]);
  const web = event({ properties: { $lib: "web" } });
  await (await service.post("/e/", { ...web, api_key: TOKEN })).body?.cancel();
  await (await service.post(PATH, { batch: [web] }, headers)).body?.cancel();
  const events = await service.events();
  assert.deepEqual(events.map(({ properties }) => properties.$active_feature_flags), [undefined, undefined]);
});
