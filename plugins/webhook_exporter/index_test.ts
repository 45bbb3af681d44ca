import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { startPlugin } from "hogpen/testing";

const url = "https://example.com/hook";

Deno.test("webhook_exporter sends events as JSON, signed, with the configured headers", async () => {
  await using plugin = await startPlugin(import.meta.dirname, {
    config: { url, events: "signed up", headers: '{"Authorization": "Bearer x"}', signingSecret: "secret" },
    fetch: [{ url, status: 200 }],
  });
  await plugin.onEvent({ event: "signed up", properties: { a: 1 } });
  await plugin.onEvent({ event: "other" });
  assert.equal(plugin.fetched.length, 1);
  const { method, headers, body } = plugin.fetched[0] ?? assert.fail();
  const sent = JSON.parse(body ?? "");
  assert.equal(method, "POST");
  assert.equal(sent.event, "signed up");
  assert.deepEqual(sent.properties, { a: 1 });
  const found = Object.fromEntries(headers);
  assert.equal(found["content-type"], "application/json");
  assert.equal(found.authorization, "Bearer x");
  assert.equal(found["x-signature"], `sha256=${createHmac("sha256", "secret").update(body ?? "").digest("hex")}`);
});

Deno.test("webhook_exporter asks for another try when the receiver is away, and fails for good otherwise", async () => {
  const answers = [{ status: 500 }, { status: 429 }, { network_error: "boom" }, { status: 404, body: "no such hook" }];
  await using plugin = await startPlugin(import.meta.dirname, {
    config: { url },
    fetch: answers.map((answer) => ({ url, times: 1, ...answer })),
  });
  for (let turn = 0; turn < 3; turn++) await assert.rejects(plugin.onEvent(), { name: "RetryError" });
  await assert.rejects(plugin.onEvent(), { name: "Error", message: /answered 404 no such hook/ });
});

Deno.test("webhook_exporter does not start with an address or headers that are none", async () => {
  await assert.rejects(startPlugin(import.meta.dirname, { config: { url: "example.com" } }), /to begin with http/);
  await assert.rejects(startPlugin(import.meta.dirname, { config: { url, headers: "{" } }), /to be JSON/);
  await assert.rejects(startPlugin(import.meta.dirname, { config: { url, headers: "[]" } }), /to be a JSON object/);
});
