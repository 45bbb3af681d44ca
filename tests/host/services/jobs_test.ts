/** Proves that `jobs.enqueue` stores a job with its cause and refuses invalid or excessive ones. */

import assert from "node:assert/strict";
import { eventCause, openTestServices } from "../../../testing/plugin_services.ts";

Deno.test("jobs.enqueue keeps a durable job with the depth of what caused it", async () => {
  await using services = await openTestServices();
  await services.call("jobs.enqueue", ["send", { to: "a" }, 5000.4], eventCause(2));
  const { results: [job] } = await services.store.jobs.list({ pluginConfigId: 39, limit: 10 });
  assert.equal(job?.kind, "plugin");
  assert.equal(job?.type, "send");
  assert.deepEqual(job?.payload, { to: "a" });
  assert.equal(job?.runAt, 5000);
  assert.equal(job?.depth, 2);
  assert.equal(job?.state, "waiting");
});

Deno.test("jobs.enqueue counts a job of a job on, if a captured event is behind it", async () => {
  await using services = await openTestServices();
  for (const depth of [0, 2]) {
    await services.call("jobs.enqueue", [`from ${depth}`, {}, 1], { kind: "job", depth, captured: 0 });
  }
  const { results } = await services.store.jobs.list({ limit: 10 });
  assert.deepEqual(results.map(({ type, depth }) => [type, depth]).toSorted(), [["from 0", undefined], ["from 2", 3]]);
});

Deno.test("jobs.enqueue refuses invalid times, large payloads and more jobs than may wait", async () => {
  await using services = await openTestServices({ jobPayloadChars: 100, jobsOutstanding: 3 });
  await assert.rejects(services.call("jobs.enqueue", ["a", null, null]), /expected the time to run at/);
  await assert.rejects(services.call("jobs.enqueue", ["a", "x".repeat(100), 1]), /at most 100 are kept/);
  await assert.rejects(services.call("jobs.enqueue", ["", null, 1]), TypeError);
  for (let count = 0; count < 3; count++) await services.call("jobs.enqueue", ["a", null, 1]);
  await assert.rejects(services.call("jobs.enqueue", ["a", null, 1]), { name: "ServiceLimitError" });
  const { results: [job] } = await services.store.jobs.list({ pluginConfigId: 39, limit: 10 });
  await services.store.jobs.cancel(job?.id ?? "");
  await services.call("jobs.enqueue", ["a", null, 1]);
});
