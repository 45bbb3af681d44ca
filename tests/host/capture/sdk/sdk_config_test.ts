/** Proves that SDKs asking for flags and remote configuration get answers that they understand. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import vm from "node:vm";
import { PERSONAL_KEY, startCaptureService, TOKEN } from "../../../kit/capture_service.ts";

const body = (text: string) => ({ method: "POST", body: text });

Deno.test("DC-01 /decide answers versions it does not understand as version 2", async () => {
  await using service = await startCaptureService();
  const response = await service.post("/decide/?v=2&v=1.19.0", { token: TOKEN, distinct_id: "d" });
  assert.equal(response.status, 200);
  assert.deepEqual((await response.json()).featureFlags, {});
});
Deno.test("DC-02 DC-06 DC-07 /decide has the shape of each version", async () => {
  await using service = await startCaptureService();
  const decide = async (version: string) =>
    await (await service.post(`/decide${version}`, { token: TOKEN, distinct_id: "d" })).json();
  const first = await decide("?v=1");
  assert.deepEqual(first.featureFlags, []);
  assert.equal(first.isAuthenticated, false);
  assert.equal(first.sessionRecording, false);
  assert.deepEqual(first.config, { enable_collect_everything: true });
  assert.deepEqual(first.supportedCompression, ["gzip", "gzip-js", "lz64"]);
  assert.deepEqual((await decide("/?v=2")).featureFlags, {});
  const third = await decide("/?v=3");
  assert.equal(third.errorsWhileComputingFlags, false);
  assert.deepEqual(third.featureFlagPayloads, {});
});
Deno.test("DC-09 /decide takes a personal key with a project_id", async () => {
  await using service = await startCaptureService();
  const response = await service.post("/decide", { token: PERSONAL_KEY, project_id: 1, distinct_id: "d" });
  assert.equal(response.status, 200, await response.text());
  const wrong = await service.post("/decide", { token: "phx_wrong", project_id: 1, distinct_id: "d" });
  assert.equal(wrong.status, 401);
  assert.equal((await wrong.json()).code, "invalid_personal_api_key");
});
Deno.test("DC-10 /decide refuses an unknown token", async () => {
  await using service = await startCaptureService();
  const response = await service.post("/decide", { api_key: "phx_any", distinct_id: "d" });
  assert.equal(response.status, 401);
  assert.equal((await response.json()).code, "invalid_api_key");
});
Deno.test("DC-11 /decide without a token has no flags, and GET too", async () => {
  await using service = await startCaptureService();
  for (const init of [{ method: "POST", body: '{"distinct_id": "d"}' }, {}]) {
    const response = await service.request("/decide/", init);
    const answer = await response.json();
    assert.equal(response.status, 200);
    assert.deepEqual(answer.featureFlags, []);
    assert.equal(answer.sessionRecording, false);
  }
});
Deno.test("DC-12 DC-13 /decide refuses what cannot be read", async () => {
  await using service = await startCaptureService();
  const requests: [query: string, init: RequestInit][] = [
    ["", { method: "POST", body: new URLSearchParams({ data: Buffer.from("1-1").toString("base64") }) }],
    ["", body("1==1")],
    ["", body('{"token": ')],
    ["?compression=gzip", { method: "POST", body: new Uint8Array([0x1f, 0x8b, 8, 0, 0]) }],
  ];
  for (const [query, init] of requests) {
    const response = await service.request(`/decide/${query}`, init);
    assert.equal(response.status, 400);
    assert.equal((await response.json()).code, "malformed_data");
  }
});
Deno.test("/decide and /flags need a distinct_id", async () => {
  await using service = await startCaptureService();
  for (const path of ["/decide", "/flags?v=2"]) {
    const response = await service.post(path, { token: TOKEN });
    assert.equal(response.status, 400);
    assert.equal((await response.json()).code, "missing_distinct_id");
  }
});
Deno.test("CP-44 OPTIONS /decide/ allows the headers that the browser asks for", async () => {
  await using service = await startCaptureService();
  const response = await service.request("/decide/", {
    method: "OPTIONS",
    headers: { origin: "https://page.example", "access-control-request-headers": "traceparent,request-id,x-other" },
  });
  await response.body?.cancel();
  assert.equal(response.status, 200);
  assert.equal(
    response.headers.get("access-control-allow-headers"),
    "X-Requested-With,Content-Type,traceparent,request-id,x-other",
  );
});
Deno.test("SH-05 /flags has none, with the configuration when asked", async () => {
  await using service = await startCaptureService();
  const flags = await (await service.post("/flags/?v=2", { token: TOKEN, distinct_id: "d", groups: {} })).json();
  assert.deepEqual(flags.flags, {});
  assert.equal(flags.errorsWhileComputingFlags, false);
  assert.match(flags.requestId, /^[0-9a-f-]{36}$/);
  const both = await (await service.post("/flags/?v=2&config=true", { api_key: TOKEN, distinct_id: "d" })).json();
  assert.deepEqual(both.flags, {});
  assert.deepEqual(both.supportedCompression, ["gzip", "gzip-js"]);
  assert.equal((await service.post("/flags", { token: "phc_wrong", distinct_id: "d" })).status, 401);
});
Deno.test("/array/:token/config answers as JSON and as a script that cannot be broken out of", async () => {
  await using service = await startCaptureService();
  const json = await service.request(`/array/${TOKEN}/config`);
  const config = await json.json();
  assert.equal(config.token, TOKEN);
  assert.equal(config.hasFeatureFlags, false);
  assert.equal(config.autocapture_opt_out, false);

  const token = '</script>"];alert(1)//';
  const script = await service.request(`/array/${encodeURIComponent(token)}/config.js`);
  assert.match(script.headers.get("content-type") ?? "", /javascript/);
  const text = await script.text();
  assert.ok(!text.includes("</script>"));
  const page: { window: { _POSTHOG_REMOTE_CONFIG?: Record<string, { config: unknown; siteApps: unknown[] }> } } = {
    window: {},
  };
  vm.runInNewContext(text, page);
  const found = page.window._POSTHOG_REMOTE_CONFIG?.[token];
  assert.equal(JSON.stringify(found?.config), JSON.stringify({ ...config, token }));
  assert.equal(found?.siteApps.length, 0);
});
Deno.test("/flags/definitions and its older name have none for a known token", async () => {
  await using service = await startCaptureService();
  for (const path of ["/flags/definitions", "/api/feature_flag/local_evaluation/"]) {
    const response = await service.request(`${path}?token=${TOKEN}&send_cohorts`);
    assert.deepEqual(await response.json(), { flags: [], group_type_mapping: {}, cohorts: {} });
    const refused = await service.request(`${path}?token=phc_wrong`);
    await refused.body?.cancel();
    assert.equal(refused.status, 401);
  }
});

Deno.test("/static serves posthog-js, plain and by version, and nothing else", async () => {
  await using service = await startCaptureService();
  for (const name of ["array.js", "array.js?v=1.2.3", "1.2.3/array.js"]) {
    const response = await service.request(`/static/${name}`);
    assert.equal(response.status, 200, name);
    assert.match(response.headers.get("content-type") ?? "", /javascript/);
    assert.ok((await response.text()).includes("posthog"));
  }
  for (
    const name of [
      "none.js",
      "../package.json",
      "..%2fpackage.json",
      "%2e%2e/package.json",
      "/etc/passwd",
      "array.js.map",
      "a/array.js",
    ]
  ) {
    const response = await service.request(`/static/${name}`);
    await response.body?.cancel();
    assert.equal(response.status, 404, name);
  }
});
