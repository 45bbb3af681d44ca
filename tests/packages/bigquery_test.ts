/**
 * Proves that `@google-cloud/bigquery` works inside a cell, against a server that speaks its API. One test waits a real
 * second for the plugin's buffer to flush, because that timer runs in the cell.
 */

import assert from "node:assert/strict";
import { eventually } from "../kit/eventually.ts";
import { startFakeBigQuery } from "../kit/fakes/fake_bigquery.ts";
import { createServiceAccount } from "../kit/fakes/fake_google.ts";
import { type PackagePlugin, startPackagePlugin } from "./package_plugin.ts";

const ACCOUNT = createServiceAccount("cloud.example");

async function start(bigQuery: { url: string; port: number }, account = ACCOUNT): Promise<PackagePlugin> {
  return await startPackagePlugin("bigquery", {
    config: { endpoint: bigQuery.url, datasetId: "dataset", tableId: "events" },
    attachments: { googleCloudKeyJson: account.keyFile },
    egress: [`127.0.0.1:${bigQuery.port}`],
  });
}

Deno.test("@google-cloud/bigquery creates a table and inserts rows, also from a buffer", async () => {
  await using bigQuery = startFakeBigQuery(ACCOUNT);
  await using plugin = await start(bigQuery);
  const table = bigQuery.tables.get("dataset.events");
  assert.deepEqual(table?.fields.map(({ name }) => name), ["uuid", "event"]);
  await plugin.exportEvents([{ uuid: "u-1", event: "one" }, { uuid: "u-2", event: "ünï" }]);
  assert.deepEqual(table.rows, [{ uuid: "u-1", event: "one" }, { uuid: "u-2", event: "ünï" }]);
  for (const uuid of ["u-3", "u-4", "u-5"]) await plugin.onEvent({ uuid });
  // The buffer is full with two; the third goes when its second has passed.
  await eventually("the buffer is flushed", () => table.rows.length === 5);
});

Deno.test("@google-cloud/bigquery adds fields that a table lacks, and says which rows were refused", async () => {
  await using bigQuery = startFakeBigQuery(ACCOUNT);
  bigQuery.tables.set("dataset.events", { fields: [{ name: "uuid", type: "STRING" }], rows: [] });
  await using plugin = await start(bigQuery);
  const table = bigQuery.tables.get("dataset.events");
  assert.deepEqual(table?.fields.map(({ name }) => name), ["uuid", "event"]);
  table.fields.pop();
  await assert.rejects(plugin.exportEvents([{ uuid: "u-1" }]), {
    name: "RetryError",
    message: /^PartialFailureError: .*no such field: event/s,
  });
});

Deno.test("@google-cloud/bigquery says when the key is not the account's", async () => {
  await using bigQuery = startFakeBigQuery(ACCOUNT);
  await assert.rejects(start(bigQuery, createServiceAccount("cloud.example")), /the token is signed by another key/);
});
