/**
 * Proves that `aws-sdk` works inside a cell against an S3 server, and reports wrong keys and an unreachable server.
 */

import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { eventually } from "../kit/eventually.ts";
import { startFakeS3 } from "../kit/fakes/fake_s3.ts";
import { startPackagePlugin } from "./package_plugin.ts";

const KEYS = { accessKey: "AKIATEST", secretKey: "secret/key+" };

Deno.test("aws-sdk puts, uploads, lists and gets objects of an S3 server", async () => {
  await using s3 = startFakeS3(KEYS);
  await using plugin = await startPackagePlugin("aws_s3", {
    config: { endpoint: s3.url, bucket: "bucket", ...KEYS },
    egress: [`127.0.0.1:${s3.port}`],
  });
  await plugin.exportEvents([{ event: "one" }, { event: "two" }]);
  const stored = s3.objects.get("/bucket/folder/events äö.jsonl.gz");
  assert.ok(stored, s3.refusals.join());
  const lines = String(gunzipSync(stored.bytes)).split("\n").map((line) => JSON.parse(line).event);
  assert.deepEqual(lines, ["one", "two"]);
  assert.equal(stored.headers.get("x-amz-server-side-encryption"), "AES256");
  await eventually("the log has arrived", () => plugin.logs.length > 0);
  assert.match(plugin.logs.join(), /\/bucket\/folder\/events.* "\w{32}"$/);

  const { properties } = await plugin.processEvent();
  assert.deepEqual(properties, {
    etag: '"1cb251ec0d568de6a929b520c4aed8d1"',
    text: "text",
    keys: ["folder/events äö.jsonl.gz", "one", "two"],
    missing: ["NoSuchKey", 404],
  });
  assert.equal(s3.objects.get("/bucket/one")?.headers.get("content-type"), "text/plain");
  assert.equal(new TextDecoder().decode(s3.objects.get("/bucket/two")?.bytes), "streamed");
  assert.deepEqual(s3.refusals, []);
});

Deno.test("aws-sdk says when the keys are wrong or the server is away", async () => {
  await using s3 = startFakeS3(KEYS);
  await using wrong = await startPackagePlugin("aws_s3", {
    config: { endpoint: s3.url, bucket: "bucket", ...KEYS, secretKey: "other" },
    egress: [`127.0.0.1:${s3.port}`],
  });
  await assert.rejects(wrong.exportEvents([{}]), {
    name: "RetryError",
    message: /^Error uploading: the signature is wrong/,
  });
  await using closed = await startPackagePlugin("aws_s3", { config: { endpoint: s3.url, bucket: "bucket", ...KEYS } });
  await assert.rejects(closed.exportEvents([{}]), { name: "RetryError", message: /Cannot connect to 127\.0\.0\.1/ });
});
