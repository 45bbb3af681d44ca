/**
 * Proves that capture answers 503 with `Retry-After`, and stores no part of the request, when the event log is full.
 */

import assert from "node:assert/strict";
import { openSqliteEventLog } from "../../../host/log/sqlite_event_log.ts";
import { startCaptureService, TOKEN } from "../../kit/capture_service.ts";
import { temporaryFolder } from "../../kit/temporary_folder.ts";

const event = (size: number) => ({
  token: TOKEN,
  event: "e",
  distinct_id: "d",
  properties: { text: "x".repeat(size) },
});

Deno.test("capture() answers 503 with Retry-After when the event log is full, and stores nothing of the request", async () => {
  await using folder = await temporaryFolder();
  await using log = await openSqliteEventLog({
    path: folder.file("log.sqlite"),
    synchronous: "off",
    maxBytes: 400_000,
  });
  await using service = await startCaptureService(undefined, { log });
  let status = 200;
  let stored = -1;
  let response = new Response();
  while (status === 200) {
    stored++;
    assert.ok(stored < 100);
    response = await service.post("/e", event(50_000), { origin: "https://page.example" });
    status = response.status;
    if (status === 200) await response.body?.cancel();
  }
  const body = await response.json();
  assert.equal(status, 503);
  assert.ok(Number(response.headers.get("retry-after")) > 0);
  assert.equal(body.type, "server_error");
  assert.match(body.detail, /event log holds \d+ bytes/);
  assert.equal(response.headers.get("access-control-expose-headers"), "Retry-After");
  const records = await log.read("inbox", 1, "", { maxEvents: 1000, maxBytes: 1e9 });
  assert.equal(records.length, stored);

  const v1 = await service.post("/i/v1/analytics/events", {
    batch: [{ ...event(50_000), uuid: "017d37c1-f285-7000-8e8b-e02d131925dc" }],
  }, { authorization: `Bearer ${TOKEN}` });
  assert.equal(v1.status, 503);
  assert.ok(v1.headers.has("retry-after"));
  assert.deepEqual(Object.keys(await v1.json()), ["error", "error_description", "error_uri"]);
});
