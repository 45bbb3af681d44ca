/**
 * Proves that without an upstream every path that SDKs ask has an answer that its SDK understands, and that pages can
 * read it. The table of docs/SDK_PATHS.md is held against the service.
 */

import assert from "node:assert/strict";
import vm from "node:vm";
import { PostHog } from "posthog-node";
import { startApi } from "../../../kit/api_service.ts";
import { startCaptureService, TOKEN } from "../../../kit/capture_service.ts";

const ORIGIN = "https://shop.example";
const PAGE = new URL("../../../../docs/SDK_PATHS.md", import.meta.url);

interface Row {
  method: string;
  path: string;
  /** The table says that there is nothing. */
  isMissing: boolean;
}

/** The rows of the tables, with a token and key in the place of what stands for them. */
function pathsOf(page: string): Row[] {
  return Array.from(
    page.matchAll(/^\| `(GET|POST|DELETE) (\S+?)`(.*)$/gm),
    ([, method = "", path = "", rest = ""]) => ({
      method,
      isMissing: rest.includes("404"),
      path: path.replaceAll("<token>", TOKEN).replaceAll("<key>", "my-flag").replaceAll("<version>", "1.2.3"),
    }),
  );
}

Deno.test("every path of the table has an answer that pages may read, before and after a preflight", async () => {
  await using api = await startApi();
  const paths = pathsOf(await Deno.readTextFile(PAGE));
  assert(paths.length > 30, "hardly any path was found: the pattern is wrong");
  for (const { method, path, isMissing } of paths) {
    const asked = "x-made-up, traceparent";
    const preflight = await api.app.request(path, {
      method: "OPTIONS",
      headers: { origin: ORIGIN, "access-control-request-method": method, "access-control-request-headers": asked },
    });
    if (!path.startsWith("/static/")) {
      assert.equal(preflight.ok, true, path);
      assert.match(preflight.headers.get("access-control-allow-headers") ?? "", /x-made-up,traceparent/, path);
      assert.match(preflight.headers.get("access-control-allow-methods") ?? "", new RegExp(method), path);
    }
    const body = method === "POST" ? JSON.stringify({ token: TOKEN, distinct_id: "d", event: "e" }) : null;
    const answer = await api.app.request(path, { method, headers: { origin: ORIGIN }, body });
    await answer.body?.cancel();
    // What is asked without a token or in a wrong form is refused; but it is answered, by the right one.
    assert(
      (isMissing ? [404] : [200, 204, 400, 401]).includes(answer.status),
      `${method} ${path} answered ${answer.status}`,
    );
    assert([ORIGIN, "*"].includes(answer.headers.get("access-control-allow-origin") ?? ""), path);
  }
});

Deno.test("surveys, experiments, tours and early access features: there are none, in the words of posthog-js", async () => {
  await using service = await startCaptureService();
  const answer = async (path: string) => await (await service.request(`${path}/?token=${TOKEN}`)).json();
  assert.deepEqual((await answer("/api/surveys")).surveys, []);
  assert.deepEqual((await answer("/api/early_access_features")).earlyAccessFeatures, []);
  assert.deepEqual((await answer("/api/web_experiments")).experiments, []);
  assert.deepEqual((await answer("/api/product_tours")).product_tours, []);
});

Deno.test("posthog-node reads a remote configuration that is not there as nothing", async () => {
  await using service = await startCaptureService();
  await using server = service.listen();
  const client = new PostHog(TOKEN, { host: server.url, personalApiKey: "phx_any", enableLocalEvaluation: false });
  assert.equal(await client.getRemoteConfigPayload("my-flag"), null);
  await client.shutdown();
});

Deno.test("telemetry is answered so that it is not sent again, with the reason", async () => {
  await using service = await startCaptureService();
  for (const path of ["/i/v1/logs", "/i/v1/metrics", "/i/v0/ai/otel"]) {
    const json = await service.post(`${path}?token=${TOKEN}`, { resourceLogs: [] });
    assert.match((await json.json()).partialSuccess.errorMessage, /Nothing of it was kept/);
    const headers = { "content-type": "application/x-protobuf" };
    const packed = await service.request(path, { method: "POST", headers, body: new Uint8Array([1]) });
    const bytes = await packed.bytes();
    assert.deepEqual([packed.status, bytes[0], bytes[1], bytes[3]], [200, 0x0a, bytes.length - 2, bytes.length - 4]);
    assert.match(new TextDecoder().decode(bytes.subarray(4)), /^Nothing of it was kept/);
  }
});

Deno.test("scripts: the one with its configuration, the recorder, and what stands for the toolbar", async () => {
  await using service = await startCaptureService();
  const text = async (path: string) => {
    const answer = await service.request(path);
    assert.equal(answer.status, 200, path);
    return await answer.text();
  };
  const whole = await text(`/array/${TOKEN}/array.js`);
  assert.ok(whole.startsWith("(function () {\n  window._POSTHOG_REMOTE_CONFIG"));
  assert.ok(whole.endsWith(await text("/static/array.js")));
  assert.ok((await text("/static/recorder-v2.js")).length > 10_000);
  const warnings: string[] = [];
  const window: { ph_load_toolbar?: () => void } = {};
  vm.runInNewContext(await text("/static/toolbar.js"), {
    window,
    console: { warn: (line: string) => warnings.push(line) },
  });
  window.ph_load_toolbar?.();
  assert.match(warnings.join(), /toolbar needs a PostHog/);
});

Deno.test("an event about a model comes as a form, its large parts by themselves", async () => {
  await using service = await startCaptureService();
  const form = new FormData();
  const event = { event: "$ai_generation", distinct_id: "d", properties: { $ai_model: "m", kept: 1 } };
  form.set("event", new File([JSON.stringify(event)], "event.json", { type: "application/json" }));
  form.set("event.properties", JSON.stringify({ $ai_provider: "p" }));
  form.set("event.properties.$ai_input", new File(['[{"role":"user"}]'], "blob", { type: "application/json" }));
  form.set("event.properties.$ai_output", new File(["42"], "blob", { type: "text/plain" }));
  const send = (body: FormData, authorization = `Bearer ${TOKEN}`) =>
    service.request("/i/v0/ai", { method: "POST", headers: { authorization }, body });
  assert.equal((await send(form)).status, 200);
  const [stored] = await service.events();
  const { $ai_model, kept, $ai_provider, $ai_input, $ai_output } = stored?.properties ?? {};
  assert.deepEqual([$ai_model, kept, $ai_provider, $ai_input, $ai_output], ["m", 1, "p", [{ role: "user" }], "42"]);

  const wrong = new FormData();
  wrong.set("evnt", "{}");
  for (
    const [answer, status, words] of [
      [await send(wrong), 400, /Unknown multipart field "evnt"/],
      [await send(new FormData()), 400, /Expected a part "event"/],
      [await send(form, "Basic x"), 401, /Authorization: Bearer/],
      [await send(form, "Bearer phc_other"), 401, /invalid/i],
      [await service.post("/i/v0/ai", {}, { authorization: `Bearer ${TOKEN}` }), 400, /multipart\/form-data/],
    ] as const
  ) {
    assert.deepEqual([answer.status, words.test((await answer.json()).detail)], [status, true], String(words));
  }
});
