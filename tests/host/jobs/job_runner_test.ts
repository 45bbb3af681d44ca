/**
 * Proves that jobs run when they are due, are retried as PostHog retries them and survive the death of their host. One
 * test waits for `runIn` in real time, because the sandbox computes the job's time from its own clock.
 */

import assert from "node:assert/strict";
import { createJobRunner } from "../../../host/jobs/job_runner.ts";
import { encodeEvents } from "../../../host/router/encode_events.ts";
import type { Job, JobState, NewJob } from "../../../host/store/store.ts";
import { eventually } from "../../kit/eventually.ts";
import { FakeClock } from "../../kit/fake_clock.ts";
import { type Flow, openFlow } from "../../kit/flow.ts";
import { HttpReceiver } from "../../kit/servers/http_receiver.ts";
import { openPluginHost } from "../../kit/plugin_host.ts";
import { storedRecords } from "../../kit/stored_records.ts";
import { openProject } from "../../kit/plugin_project.ts";

/** What a job does is seen in the plugin's storage. */
const JOBS = `
  export const jobs = {
    logReply: (payload, { storage }) => storage.set(payload.key, payload.value),
    noPayload: (...args) => args.at(-1).storage.set("arguments", args.length),
    fail: () => { throw new Error("no luck"); },
    retry: async (payload, { storage }) => {
      const runs = await storage.get("runs", 0) + 1;
      await storage.set("runs", runs);
      if (runs < payload.succeedsOn) throw new RetryError("not yet");
    },
  };
`;

function jobFor({ clock }: Flow, type: string, payload: unknown = null, delayMs = 0): NewJob {
  return {
    kind: "plugin",
    pluginConfigId: 39,
    teamId: 1,
    type,
    payload,
    runAt: clock.now() + delayMs,
    attempt: 1,
    maxAttempts: 6,
  };
}

async function reaches(flow: Flow, { id }: Job, state: JobState): Promise<Job> {
  return await eventually(`job ${id} is ${state}`, async () => {
    const job = await flow.store.jobs.get(id);
    return job?.state === state ? job : null;
  });
}

Deno.test("JB-01 JB-02 JB-03 FN-09 FN-10 jobs enqueued by runNow, runIn and runAt run with their payload", async () => {
  // runIn and runAt count from the sandbox's own clock, which no test can move.
  await using flow = await openFlow(new FakeClock(Date.now()));
  const code = JOBS + `
    export async function onEvent(event, { jobs }) {
      const { how } = event.properties;
      const job = jobs.logReply({ key: how, value: event.event });
      if (how === "runNow") await job.runNow();
      if (how === "runIn") await job.runIn(1, "second");
      if (how === "runAt") await job.runAt(new Date(event.properties.at));
    }
    export async function processEvent(event, { jobs }) {
      await jobs.logReply({ key: event.properties.how, value: event.event }).runNow();
      return event;
    }`;
  await using project = await openProject(flow, code);
  const at = new Date(flow.clock.now() + 2000).toISOString();
  const [event] = storedRecords([{ event: "by processEvent", properties: { how: "processEvent" } }]);
  assert.ok(event);
  await project.host.plugins.get(39)?.runtime.batch("processEvent", [39], encodeEvents([event]));
  await flow.append(...["runNow", "runIn", "runAt"].map((how) => ({ event: `by ${how}`, properties: { how, at } })));
  const seen = (count: number) =>
    eventually(`${count} jobs ran`, async () => {
      const storage = await project.host.storage(39);
      return Object.keys(storage).length >= count ? storage : null;
    });
  await eventually("all are enqueued", async () => (await flow.store.jobs.list({ limit: 10 })).results.length === 4);
  const { results } = await flow.store.jobs.list({ limit: 10 });
  await flow.clock.advance(Math.max(...results.map(({ runAt }) => runAt)) - flow.clock.now());
  assert.deepEqual(await seen(4), {
    processEvent: "by processEvent",
    runNow: "by runNow",
    runIn: "by runIn",
    runAt: "by runAt",
  });
});

Deno.test("JB-05 a job that lies ahead runs at its time, also after a restart, unchanged", async () => {
  await using flow = await openFlow();
  const payload = { key: "später", value: { list: [1, null, "x"], nested: { "ключ": true } } };
  {
    await using project = await openProject(flow, JOBS);
    const job = await project.queue.enqueue(jobFor(flow, "logReply", payload, 3000));
    await flow.clock.advance(2999);
    assert.equal((await flow.store.jobs.get(job.id))?.state, "waiting");
  }
  await flow.reopen();
  await using project = await openProject(flow, JOBS);
  await flow.clock.advance(0);
  assert.deepEqual(await project.host.storage(39), {});
  await flow.clock.advance(1);
  await eventually("it ran", async () => Object.keys(await project.host.storage(39)).length === 1);
  assert.deepEqual(await project.host.storage(39), { "später": payload.value });
});

Deno.test("a job without payload gets what it declares", async () => {
  await using flow = await openFlow();
  await using project = await openProject(flow, JOBS);
  await reaches(flow, await project.queue.enqueue(jobFor(flow, "noPayload")), "done");
  assert.deepEqual(await project.host.storage(39), { arguments: 1 });
});

Deno.test("a job that throws RetryError is retried after 5, 10, 20 … s, and is done when it succeeds", async () => {
  await using flow = await openFlow();
  await using project = await openProject(flow, JOBS);
  const job = await project.queue.enqueue(jobFor(flow, "retry", { succeedsOn: 4 }));
  for (const [index, seconds] of [5, 10, 20].entries()) {
    const waiting = await eventually("it waits", async () => {
      const stored = await flow.store.jobs.get(job.id);
      return stored?.state === "waiting" && stored.attempt === index + 2 ? stored : null;
    });
    assert.equal(waiting.runAt - flow.clock.now(), seconds * 1000);
    assert.equal(waiting.lastError, "RetryError: not yet");
    await flow.clock.advance(seconds * 1000);
  }
  await reaches(flow, job, "done");
  assert.deepEqual(await project.host.storage(39), { runs: 4 });
});

Deno.test("a job that throws RetryError to the end fails after six attempts", async () => {
  await using flow = await openFlow();
  await using project = await openProject(flow, JOBS);
  const job = await project.queue.enqueue(jobFor(flow, "retry", { succeedsOn: 99 }));
  for (const [index, seconds] of [5, 10, 20, 40, 80].entries()) {
    await eventually("it waits", async () => {
      const stored = await flow.store.jobs.get(job.id);
      return stored?.state === "waiting" && stored.attempt === index + 2;
    });
    await flow.clock.advance(seconds * 1000);
  }
  const failed = await reaches(flow, job, "failed");
  assert.deepEqual([failed.attempt, failed.lastError], [6, "RetryError (attempt 6/6): not yet"]);
  assert.match((await project.host.logs(39)).join("\n"), /RetryError \(attempt 6\/6\): not yet/);
});

Deno.test("a job that throws another error is not retried; the error is stored and logged", async () => {
  await using flow = await openFlow();
  await using project = await openProject(flow, JOBS);
  const failed = await reaches(flow, await project.queue.enqueue(jobFor(flow, "fail")), "failed");
  assert.deepEqual([failed.attempt, failed.lastError], [1, "Error: no luck"]);
  assert.match((await project.host.logs(39)).join("\n"), /Error: no luck/);
  assert.equal((await flow.store.pluginConfigs.get(39))?.lastError?.message, "no luck");
});

Deno.test("R24-05 a job that the plugin does not have fails in PostHog's words", async () => {
  await using flow = await openFlow();
  await using project = await openProject(flow, JOBS);
  const failed = await reaches(flow, await project.queue.enqueue(jobFor(flow, "some_task")), "failed");
  assert.equal(failed.lastError, 'Error: Task "some_task" not found for plugin "plugin 39" with config id 39');
});

Deno.test("a cancelled job does not run", async () => {
  await using flow = await openFlow();
  await using project = await openProject(flow, JOBS);
  const job = await project.queue.enqueue(jobFor(flow, "logReply", { key: "k", value: 1 }, 1000));
  assert.equal(await flow.store.jobs.cancel(job.id), true);
  await flow.clock.advance(60_000);
  assert.equal((await flow.store.jobs.get(job.id))?.state, "cancelled");
  assert.deepEqual(await project.host.storage(39), {});
});

Deno.test("R24-06 jobs of a plugin that is not hosted here stay for who hosts it", async () => {
  await using flow = await openFlow();
  await using host = openPluginHost(flow);
  await using _ = createJobRunner({ ...flow, plugins: host.plugins, journal: host.journal, owner: "a" });
  const job = await flow.store.jobs.enqueue(jobFor(flow, "logReply", { key: "k", value: 1 }));
  await flow.clock.advance(60_000);
  assert.equal((await flow.store.jobs.get(job.id))?.state, "waiting");
  await host.run(39, JOBS);
  await flow.clock.advance(5000);
  await reaches(flow, job, "done");
});

const CALL = `export const jobs = { call: async (_, { config }) => { await fetch(config.url); } };`;

/** A far side that answers only when it is told to. */
function openHanging(): { far: HttpReceiver; answer(): void } & AsyncDisposable {
  const answered = Promise.withResolvers<void>();
  const far = new HttpReceiver(() => answered.promise.then(() => new Response("")));
  return { far, answer: answered.resolve, [Symbol.asyncDispose]: () => far[Symbol.asyncDispose]() };
}

Deno.test("the jobs of one plugin that hang do not keep those of another from running", async () => {
  await using hanging = openHanging();
  const { far } = hanging;
  await using flow = await openFlow();
  await using host = openPluginHost(flow);
  await host.run(7, CALL, { config: { url: far.url } });
  await host.run(39, JOBS);
  for (let count = 0; count < 12; count++) {
    await flow.store.jobs.enqueue({ ...jobFor(flow, "call"), pluginConfigId: 7 });
  }
  await using runner = createJobRunner({ ...flow, plugins: host.plugins, journal: host.journal, owner: "a" });
  await eventually("eight hang", () => far.requests.length === 8);
  const job = await flow.store.jobs.enqueue(jobFor(flow, "logReply", { key: "k", value: 1 }));
  runner.wake();
  await reaches(flow, job, "done");
  assert.equal(far.requests.length, 8);
  hanging.answer();
  await eventually("the others ran", () => far.requests.length === 12);
});

Deno.test("a job whose host died is run by another one when its lease has ended", async () => {
  await using flow = await openFlow();
  await using host = openPluginHost(flow);
  await host.run(39, JOBS);
  const job = await flow.store.jobs.enqueue(jobFor(flow, "logReply", { key: "k", value: 1 }));
  const end = flow.clock.now() + 120_000;
  const [claimed] = await flow.store.jobs.claim([39], flow.clock.now(), 1, 120_000, "the host that died");
  assert.equal(claimed?.id, job.id);
  await using _ = createJobRunner({ ...flow, plugins: host.plugins, journal: host.journal, owner: "another" });
  const done = await eventually("it is done", async () => {
    await flow.clock.advance(5000);
    const stored = await flow.store.jobs.get(job.id);
    return stored?.state === "done" ? stored : null;
  });
  assert.ok(done.updatedAt >= end);
});

Deno.test("a host that comes back runs at once what it was running when it died", async () => {
  await using flow = await openFlow();
  await using host = openPluginHost(flow);
  await host.run(39, JOBS);
  const job = await flow.store.jobs.enqueue(jobFor(flow, "logReply", { key: "k", value: 1 }));
  const end = flow.clock.now() + 120_000;
  await flow.store.jobs.claim([39], flow.clock.now(), 1, 120_000, "the host");
  await using _ = createJobRunner({ ...flow, plugins: host.plugins, journal: host.journal, owner: "the host" });
  const done = await eventually("it is done", async () => {
    await flow.clock.advance(100);
    const stored = await flow.store.jobs.get(job.id);
    return stored?.state === "done" ? stored : null;
  });
  assert.ok(done.updatedAt < end);
});

Deno.test("a job that takes longer than its lease is not taken by another host", async () => {
  await using hanging = openHanging();
  await using flow = await openFlow();
  await using host = openPluginHost(flow);
  await host.run(39, CALL, { config: { url: hanging.far.url } });
  const job = await flow.store.jobs.enqueue(jobFor(flow, "call"));
  const { plugins, journal } = host;
  await using _ = createJobRunner({ ...flow, plugins, journal, owner: "a" });
  await eventually("it hangs", () => hanging.far.requests.length === 1);
  await using _other = createJobRunner({ ...flow, plugins, journal, owner: "b" });
  for (let second = 0; second < 60; second += 5) {
    await flow.clock.advance(5000);
    // The store has taken what was sent to it when this has an answer.
    assert.equal((await flow.store.jobs.get(job.id))?.state, "running");
  }
  assert.equal(hanging.far.requests.length, 1);
  hanging.answer();
  await reaches(flow, job, "done");
});

Deno.test("retries of one function go as one batch", async () => {
  await using flow = await openFlow();
  await using host = openPluginHost(flow);
  const code = `
    export async function onEvent(event, { storage, global }) {
      global.together = [...global.together ?? [], event.event];
      await storage.get("x", 0);
      await storage.set(event.event, global.together.length);
    }`;
  await host.run(39, code);
  const events = storedRecords(["a", "b", "c"].map((event) => ({ event, distinct_id: event })));
  for (const { event } of events) {
    const payload = { events: [new TextDecoder().decode(event)] };
    await flow.store.jobs.enqueue({ ...jobFor(flow, "onEvent", payload), kind: "onEvent", attempt: 2 });
  }
  await using _ = createJobRunner({ ...flow, plugins: host.plugins, journal: host.journal, owner: "a" });
  await eventually("all are done", async () => Object.keys(await host.storage(39)).length === 3);
  // Each was called before any of them was through.
  assert.deepEqual(await host.storage(39), { a: 3, b: 3, c: 3 });
});

Deno.test("a runner stops within its drain time, and leaves a job that hangs to its lease", async () => {
  await using hanging = openHanging();
  await using flow = await openFlow();
  await using host = openPluginHost(flow);
  await host.run(39, CALL, { config: { url: hanging.far.url } });
  const job = await flow.store.jobs.enqueue(jobFor(flow, "call"));
  const runner = createJobRunner({ ...flow, plugins: host.plugins, journal: host.journal, owner: "a" });
  await eventually("it hangs", () => hanging.far.requests.length === 1);
  const stopped = runner[Symbol.asyncDispose]();
  await flow.clock.advance(10_000);
  await stopped;
  assert.equal((await flow.store.jobs.get(job.id))?.state, "running");
  hanging.answer();
});

Deno.test("a runner waits out a store that is away", async () => {
  await using flow = await openFlow();
  await using host = openPluginHost(flow);
  await host.run(39, JOBS);
  let refusals = 3;
  const errors: unknown[] = [];
  const refuse = <Args extends unknown[], T>(action: (...args: Args) => Promise<T>) => (...args: Args): Promise<T> =>
    refusals-- > 0 ? Promise.reject(new Error("connection refused")) : action(...args);
  const { jobs } = flow.store;
  const store = { ...flow.store, jobs: { ...jobs, claim: refuse(jobs.claim), complete: refuse(jobs.complete) } };
  const job = await flow.store.jobs.enqueue(jobFor(flow, "logReply", { key: "k", value: 1 }));
  await using _ = createJobRunner({
    ...flow,
    store,
    plugins: host.plugins,
    journal: host.journal,
    owner: "a",
    onError: (error) => errors.push(error),
  });
  await eventually("it is done", async () => {
    await flow.clock.advance(1000);
    return (await flow.store.jobs.get(job.id))?.state === "done";
  });
  assert.equal(errors.length, 3);
});
