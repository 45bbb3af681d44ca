/**
 * Proves that an operator can rerun jobs, requeue dead letters, replay consumers and run scheduled tasks through the
 * API.
 */

import assert from "node:assert/strict";
import { pluginView, startApi } from "../../kit/api_service.ts";
import { eventually } from "../../kit/eventually.ts";
import type { Batching, Sink } from "../../../host/consumers/sink.ts";

const BASE = "/_hogpen/api";
const BATCHING: Batching = { maxEvents: 100, maxBytes: 1e6, maxWaitMs: 0 };
const event = (n: number) => ({ key: "k", event: new TextEncoder().encode(JSON.stringify({ n })) });

Deno.test("a job that failed is run again by API, and jobs are counted", async () => {
  await using api = await startApi();
  const job = await api.store.jobs.enqueue({
    kind: "plugin",
    pluginConfigId: 39,
    teamId: 1,
    type: "sync",
    payload: {},
    runAt: Date.now(),
    attempt: 1,
    maxAttempts: 6,
  });
  await api.store.jobs.claim([39], Date.now(), 1, 60_000, "me");
  assert.equal((await api.call("POST", `${BASE}/jobs/${job.id}/retry`)).status, 409, "it runs");
  await api.store.jobs.fail(job.id, "me", "no");
  const list = await api.call("GET", `${BASE}/jobs?state=failed&type=sync&total=true`);
  assert.deepEqual([list.body.results!.length, list.body.total], [1, 1]);
  assert.equal((await api.call("POST", `${BASE}/jobs/${job.id}/retry`)).status, 200);
  assert.equal((await api.call("POST", `${BASE}/jobs/999/retry`)).status, 404);
  assert.deepEqual([(await api.store.jobs.get(job.id))?.state, api.seen.jobs], ["waiting", 1]);
});

Deno.test("dead letters are chosen, counted, repaired, requeued and deleted together", async () => {
  const taken: string[] = [];
  await using api = await startApi({
    requeue(letter) {
      if (letter.event.includes("bad")) return Promise.reject(new Error("still bad"));
      taken.push(letter.event);
      return Promise.resolve();
    },
  });
  const letter = (event: string, reason: string) => ({ teamId: 1, consumer: "destination:1/x", reason, event });
  await api.store.deadLetters.add([
    letter('{"event":"bad"}', "400"),
    letter('{"event":"b"}', "400"),
    letter("{}", "500"),
  ]);
  const list = await api.call("GET", `${BASE}/dead_letters?reason=400&total=true&limit=1`);
  assert.deepEqual([list.body.results!.length, list.body.total], [1, 2]);
  const groups = await api.call("GET", `${BASE}/dead_letter_groups?team_id=1`);
  assert.deepEqual(groups.body.results!.map(({ reason, count }) => [reason, count]), [["400", 2], ["500", 1]]);
  assert.equal((await api.call("POST", `${BASE}/dead_letters/requeue`, {})).status, 400);
  const first = await api.call("POST", `${BASE}/dead_letters/requeue`, { reason: "400" });
  assert.deepEqual(first.body, { requeued: 1, refused: 1, last_refusal: "still bad" } as unknown as typeof first.body);
  const [left] = (await api.call("GET", `${BASE}/dead_letters?reason=400`)).body.results!;
  const edited = await api.call("PATCH", `${BASE}/dead_letters/${left!.id}`, { event: { event: "good" } });
  assert.deepEqual(edited.body.event, { event: "good" });
  assert.equal((await api.call("PATCH", `${BASE}/dead_letters/999`, { event: {} })).status, 404);
  assert.equal((await api.call("POST", `${BASE}/dead_letters/requeue`, { reason: "400" })).body.requeued, 1);
  assert.deepEqual(taken, ['{"event":"b"}', '{"event":"good"}']);
  assert.equal((await api.call("POST", `${BASE}/dead_letters/delete`, { all: true })).body.deleted, 1);
});

Deno.test("a replay is estimated, ended early, and what lies before a consumer is skipped", async () => {
  await using api = await startApi();
  let open = false;
  const delivered: number[] = [];
  const sink: Sink = {
    deliver(records) {
      if (!open) return Promise.reject(new Error("away"));
      delivered.push(...records.map((record) => JSON.parse(new TextDecoder().decode(record.event)).n));
      return Promise.resolve([]);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const id = "destination:1/x";
  await api.consumers.apply({
    run: [{ id, project: 1, revision: "", batching: BATCHING, openSink: () => sink }],
    reserve: [],
  });
  await eventually("it runs", async () => (await api.consumers.get(id))?.state === "running");
  await api.log.append("outbox", 1, [event(1), event(2), event(3)]);
  await eventually("it waits", async () => (await api.consumers.get(id))?.state === "waiting");
  const skipped = await api.call("POST", `${BASE}/consumers/${id}/skip`);
  assert.deepEqual([skipped.status, skipped.body.skipped], [200, 3]);
  open = true;
  await api.log.append("outbox", 1, [event(4)]);
  await eventually("the next one is delivered", () => delivered.length > 0);
  assert.deepEqual(delivered, [4]);
  assert.equal((await api.call("POST", `${BASE}/consumers/${id}/estimate`, { time: 0 })).body.events, 4);
  assert.equal((await api.call("POST", `${BASE}/consumers/${id}/estimate`, {})).status, 400);
  assert.equal((await api.call("POST", `${BASE}/consumers/${id}/estimate`, { cursor: "x" })).status, 400);
  assert.equal((await api.call("POST", `${BASE}/consumers/${id}/cancel_replay`)).status, 409);
  open = false;
  assert.equal((await api.call("POST", `${BASE}/consumers/${id}/rewind`, { time: 0 })).status, 200);
  assert.equal((await api.call("POST", `${BASE}/consumers/${id}/cancel_replay`)).status, 200);
  open = true;
  await api.log.append("outbox", 1, [event(5)]);
  await eventually("it goes on", () => delivered.includes(5));
  assert.deepEqual(delivered, [4, 5]);
  assert.equal((await api.call("POST", `${BASE}/consumers/destination:1/none/skip`)).status, 404);
});

Deno.test("scheduled tasks are listed and run by API; settings are shown", async () => {
  await using api = await startApi();
  api.plugins.push(pluginView());
  const { body } = await api.call("GET", `${BASE}/plugin_configs/39/schedules`);
  assert.equal(body.results![0]!.task, "runEveryHour");
  assert.equal((await api.call("POST", `${BASE}/plugin_configs/39/schedules/runEveryHour/run`)).body.error, null);
  assert.equal((await api.call("POST", `${BASE}/plugin_configs/39/schedules/other/run`)).status, 404);
  assert.equal((await api.call("GET", `${BASE}/settings`)).body.version, "0.0.0");
});
