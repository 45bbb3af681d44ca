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

Deno.test("what is asked for again for the same event makes no second job, what is asked for twice at once does", async () => {
  await using services = await openTestServices();
  const run = async (...jobs: [string, unknown][]) => {
    const cause = { ...eventCause(), occasion: "processEvent 7@1000" };
    for (const [type, payload] of jobs) await services.call("jobs.enqueue", [type, payload, 1], cause);
  };
  const jobs = async () => {
    const { results } = await services.store.jobs.list({ limit: 10 });
    return results.map(({ type, payload }) => `${type} ${JSON.stringify(payload)}`).toSorted();
  };
  await run(["send", "a"], ["send", "a"], ["send", "b"]);
  assert.deepEqual(await jobs(), ['send "a"', 'send "a"', 'send "b"']);
  await run(["send", "b"], ["send", "a"], ["send", "a"]);
  assert.equal((await jobs()).length, 3);
  // The first run ended before all was asked for, or the plugin decided otherwise: nothing is taken for another one.
  await run(["send", "c"], ["other", "a"], ["send", "a"]);
  assert.deepEqual(await jobs(), ['other "a"', 'send "a"', 'send "a"', 'send "b"', 'send "c"']);
});

Deno.test("the same request for another event, by another plugin, or without an occasion is a job of its own", async () => {
  await using services = await openTestServices();
  const args = ["send", "a", 1];
  const occasion = "processEvent 7@1000";
  await services.call("jobs.enqueue", args, { ...eventCause(), occasion });
  await services.call("jobs.enqueue", args, { ...eventCause(), occasion: "processEvent 8@1000" });
  await services.of({ pluginConfigId: 40 })["jobs.enqueue"](args, { ...eventCause(), occasion });
  for (let run = 0; run < 2; run++) await services.call("jobs.enqueue", args, eventCause());
  assert.equal(await services.store.jobs.total({}), 5);
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

Deno.test("jobs.enqueue refuses payloads that together with those that wait take more than may wait", async () => {
  await using services = await openTestServices({ jobsOutstandingBytes: 100 });
  await services.call("jobs.enqueue", ["a", "ü".repeat(30), 1]);
  await assert.rejects(services.call("jobs.enqueue", ["a", "x".repeat(40), 1]), {
    name: "ServiceLimitError",
    message: "Cannot enqueue a job with 42 bytes: 1 of this plugin wait already, with 62. " +
      "At most 10000 with 100 bytes may wait",
  });
  await services.call("jobs.enqueue", ["a", "x".repeat(30), 1]);
});
