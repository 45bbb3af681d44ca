/** Proves that `@google-cloud/storage` works inside a cell, against a server that speaks its API. */

import assert from "node:assert/strict";
import { startFakeGcs } from "../kit/fakes/fake_gcs.ts";
import { createServiceAccount } from "../kit/fakes/fake_google.ts";
import { startPackagePlugin } from "./package_plugin.ts";

Deno.test("@google-cloud/storage saves, streams and downloads objects, and signs with a service account's key", async () => {
  const account = createServiceAccount();
  await using gcs = startFakeGcs();
  await using plugin = await startPackagePlugin("gcs", {
    config: { endpoint: gcs.url, bucketName: "bucket" },
    attachments: { googleCloudKeyJson: account.keyFile },
    egress: [`127.0.0.1:${gcs.port}`],
  });
  await plugin.onEvent({ uuid: "u-1", event: "ünï" });
  assert.equal(new TextDecoder().decode(gcs.objects.get("bucket/u-1.csv")?.bytes), "uuid,event\nu-1,ünï");
  const { properties } = await plugin.processEvent() as { properties: Record<string, unknown> };
  assert.deepEqual([properties["contents"], properties["exists"]], ['{"a":1}', false]);
  assert.deepEqual(gcs.objects.get("bucket/saved.json")?.metadata["cacheControl"], "no-cache");
  const { searchParams } = new URL(String(properties["signedUrl"]));
  const text = `GET\n\n\n${searchParams.get("Expires")}\n/bucket/saved.json`;
  assert.ok(account.signed(text, searchParams.get("Signature") ?? ""));
});

Deno.test("@google-cloud/storage says when the server is away", async () => {
  await using gcs = startFakeGcs();
  await using plugin = await startPackagePlugin("gcs", {
    config: { endpoint: gcs.url, bucketName: "bucket" },
    attachments: { googleCloudKeyJson: createServiceAccount().keyFile },
  });
  await assert.rejects(plugin.onEvent({}), { name: "RetryError", message: /Cannot connect to 127\.0\.0\.1/ });
});
