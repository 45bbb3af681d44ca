/**
 * What both stores must do for the API: counters over time, failures by kind, sightings, things with versions, the
 * audit, and the bulk actions on jobs and dead letters. Run against each store by its own test file.
 * @module
 */

import assert from "node:assert/strict";
import type { NewSighting, Problem, SeriesRow } from "../../../host/store/observed.ts";
import type { StoreUnderTest } from "./store_suite.ts";

const NOW = 1_800_000_000_000;

function problem(fields: Partial<Problem> = {}): Problem {
  return {
    fingerprint: "f1",
    kind: "error",
    teamId: 1,
    pluginConfigId: 39,
    place: "processEvent",
    message: "a is not defined",
    stack: "at /index.js:1:1",
    sample: '{"event":"a"}',
    count: 1,
    firstAt: NOW,
    lastAt: NOW,
    ...fields,
  };
}

function sighting(fields: Partial<NewSighting> = {}): NewSighting {
  return {
    kind: "dropped",
    teamId: 1,
    pluginConfigId: 39,
    uuid: "u1",
    distinctId: "d1",
    name: "hello",
    at: NOW,
    body: "{}",
    ...fields,
  };
}

/** Registers the tests; `open` gives an empty store. */
export function testOperatorStore(name: string, open: (clock: { now: number }) => Promise<StoreUnderTest>): void {
  function test(title: string, body: (under: StoreUnderTest) => Promise<void>): void {
    Deno.test(`${name}: ${title}`, async () => {
      await using under = await open({ now: NOW });
      await body(under);
    });
  }

  test("series are replaced within a run, added up over runs and spans, found by prefix in pages, pruned by step", async ({ store: { series } }) => {
    const row = (subject: string, at: number, n: number, step: 10 | 60 = 10): SeriesRow => ({
      subject,
      step,
      at,
      point: { in: n },
    });
    await series.put("run1", [row("plugin:1/a", 0, 1), row("plugin:1/b", 0, 2), row("plugin:10/a", 10_000, 4)]);
    await series.put("run1", [row("plugin:1/a", 0, 3), row("plugin:1/a", 0, 9, 60)]);
    await series.put("run2", [row("plugin:1/a", 0, 5)]);
    await series.put("run2", []);
    const span = { step: 10, from: 0, to: 60_000, every: 10_000 } as const;
    assert.deepEqual(await series.read(["plugin:1/a"], span), [row("plugin:1/a", 0, 8)]);
    assert.deepEqual(await series.read(["plugin:1/a", "plugin:1/b", "plugin:10/a"], span), [
      row("plugin:1/a", 0, 8),
      row("plugin:1/b", 0, 2),
      row("plugin:10/a", 10_000, 4),
    ]);
    assert.deepEqual(await series.read(["plugin:1/a", "plugin:10/a"], { ...span, from: 1, to: 10_000 }), []);
    assert.deepEqual(await series.read([], span), []);
    await series.put("run1", [row("plugin:1/a", 10_000, 1), row("plugin:1/a", 20_000, 1)]);
    const together = await series.read(["plugin:1/a"], { ...span, every: 20_000 });
    assert.deepEqual(together, [row("plugin:1/a", 0, 9), row("plugin:1/a", 20_000, 1)]);

    const page = { after: "", limit: 10 };
    assert.deepEqual(await series.subjects("plugin:1/", page), ["plugin:1/a", "plugin:1/b"]);
    assert.deepEqual(await series.subjects("plugin:", { after: "plugin:1/a", limit: 1 }), ["plugin:1/b"]);
    assert.deepEqual(await series.subjects("plugin:", page), ["plugin:1/a", "plugin:1/b", "plugin:10/a"]);
    assert.deepEqual(await series.subjects("project:", page), []);

    await series.prune(10, 20_000);
    assert.deepEqual(await series.read(["plugin:1/a"], span), [row("plugin:1/a", 20_000, 1)]);
    assert.equal((await series.read(["plugin:1/a"], { ...span, step: 60 })).length, 1);
  });

  test("problems with the same fingerprint are one with their counts together", async ({ store: { problems } }) => {
    await problems.add([problem({ count: 2 }), problem({ fingerprint: "f2", lastAt: NOW + 1, pluginConfigId: 40 })]);
    await problems.add([
      problem({ message: "newest\0", stack: null, sample: null, count: 3, firstAt: NOW + 5, lastAt: NOW + 5 }),
    ]);
    const kept = await problems.get("f1");
    assert.deepEqual(kept, problem({ message: "newest\uFFFD", count: 5, lastAt: NOW + 5 }));
    const first = await problems.list({ kind: "error", limit: 1 });
    assert.deepEqual(first.results, [{ ...kept, stack: null, sample: null }]);
    const second = await problems.list({ kind: "error", limit: 1, next: first.next ?? "" });
    assert.deepEqual(second.results.map(({ fingerprint }) => fingerprint), ["f2"]);
    assert.equal(second.next, null);
    assert.deepEqual((await problems.list({ kind: "warning", limit: 9 })).results, []);
    assert.equal((await problems.list({ kind: "error", pluginConfigId: 40, teamId: 1, limit: 9 })).results.length, 1);
    assert.equal(await problems.remove("f2"), true);
    assert.equal(await problems.remove("f2"), false);
    await problems.add([problem({ fingerprint: "f3", lastAt: NOW - 9 })]);
    await problems.prune(1, NOW - 100);
    assert.equal(await problems.get("f3"), null);
    assert.notEqual(await problems.get("f1"), null);
  });

  test("sightings are listed newest first by what they are, and pruned by bytes", async ({ store: { sightings } }) => {
    await sightings.add([
      sighting(),
      sighting({ uuid: "u2", distinctId: "d2", name: "bye", at: NOW + 1 }),
      sighting({ kind: "trace", pluginConfigId: 0, body: '{"n":1}' }),
      sighting({ teamId: 2 }),
    ]);
    await sightings.add([]);
    const uuids = async (filter: Parameters<typeof sightings.list>[0]) =>
      (await sightings.list(filter)).results.map(({ uuid }) => uuid);
    assert.deepEqual(await uuids({ kind: "dropped", teamId: 1, limit: 9 }), ["u2", "u1"]);
    assert.deepEqual(await uuids({ kind: "dropped", distinctId: "d2", name: "bye", after: NOW, limit: 9 }), ["u2"]);
    assert.deepEqual(await uuids({ kind: "dropped", uuid: "u2", before: NOW, limit: 9 }), []);
    const [trace] = (await sightings.list({ kind: "trace", limit: 9 })).results;
    assert.deepEqual(await sightings.get(trace?.id ?? ""), trace);
    const { next } = await sightings.list({ kind: "dropped", limit: 2 });
    assert.deepEqual(await uuids({ kind: "dropped", limit: 2, next: next ?? "" }), ["u1"]);
    await sightings.prune("dropped", 4, 0);
    assert.equal((await sightings.list({ kind: "dropped", limit: 9 })).results.length, 2);
    assert.equal((await sightings.list({ kind: "trace", limit: 9 })).results.length, 1);
    await sightings.prune("trace", 99, NOW + 1);
    assert.equal(await sightings.get(trace?.id ?? ""), null);
  });

  test("things change all or none, with the audit, and only at the version that was seen", async ({ store: { things, audit }, clock }) => {
    const entry = { actor: "me", action: "create", target: "projects/1", before: null, after: "{}" };
    const made = await things.change([
      { kind: "project", id: "1", value: "{}", ifVersion: 0 },
      { kind: "project", id: "2", value: '{"a":1}' },
    ], [entry]);
    assert.deepEqual(made, [
      { kind: "project", id: "1", version: 1, value: "{}", updatedAt: NOW },
      { kind: "project", id: "2", version: 1, value: '{"a":1}', updatedAt: NOW },
    ]);
    const refused = await things.change([
      { kind: "project", id: "2", value: null },
      { kind: "project", id: "1", value: "{}", ifVersion: 0 },
    ], [entry]);
    assert.deepEqual(refused, { conflict: { kind: "project", id: "1" } });
    assert.equal((await things.list("project")).length, 2);
    clock.now++;
    await things.change([{ kind: "project", id: "1", value: "[]", ifVersion: 1 }], [{ ...entry, action: "change" }]);
    assert.deepEqual(await things.get("project", "1"), {
      kind: "project",
      id: "1",
      version: 2,
      value: "[]",
      updatedAt: NOW + 1,
    });
    await things.change([{ kind: "project", id: "1", value: null, ifVersion: 2 }], []);
    assert.equal(await things.get("project", "1"), null);
    const { results } = await audit.list({ limit: 9 });
    assert.deepEqual(results.map(({ action, at }) => [action, at]), [["change", NOW + 1], ["create", NOW]]);
    const { id: _, ...kept } = results[1] ?? { id: "" };
    assert.deepEqual(kept, { ...entry, at: NOW });
    assert.equal((await audit.list({ limit: 1 })).next, results[0]?.id);
    assert.equal((await audit.list({ actor: "you", limit: 9 })).results.length, 0);
    assert.equal(
      (await audit.list({ target: "projects/1", action: "create", before: NOW + 1, limit: 9 })).results.length,
      1,
    );
    await audit.prune(NOW + 1);
    assert.equal((await audit.list({ limit: 9 })).results.length, 1);
  });

  test("of two that change the same version of a thing, one is told of the other", async ({ store, openAnother }) => {
    await using other = await openAnother();
    await store.things.change([{ kind: "project", id: "1", value: "0" }], []);
    const change = (value: string) => [{ kind: "project", id: "1", value, ifVersion: 1 }];
    const answers = await Promise.all([store.things.change(change("1"), []), other.things.change(change("2"), [])]);
    assert.equal(answers.filter((answer) => "conflict" in answer).length, 1);
    assert.equal((await store.things.get("project", "1"))?.version, 2);
  });

  test("jobs.retryNow() makes a job due, total() counts", async ({ store: { jobs }, clock }) => {
    const job = {
      kind: "plugin" as const,
      pluginConfigId: 1,
      teamId: 2,
      type: "sync",
      payload: {},
      runAt: NOW + 1000,
      attempt: 3,
      maxAttempts: 5,
    };
    const waiting = await jobs.enqueue(job);
    const retry = await jobs.enqueue({ ...job, kind: "onEvent", runAt: NOW });
    assert.equal(await jobs.retryNow(waiting.id, clock.now), true);
    assert.equal((await jobs.get(waiting.id))?.attempt, 3);
    assert.equal((await jobs.claim([1], clock.now, 9, 1000, "host")).length, 2);
    assert.equal(await jobs.retryNow(waiting.id, clock.now), false);
    await jobs.fail(waiting.id, "host", "no");
    await jobs.fail(retry.id, "host", "no");
    assert.equal(await jobs.total({ state: "failed", type: "sync" }), 2);
    assert.equal(await jobs.total({ pluginConfigId: 1, kind: "onEvent", state: "waiting" }), 0);
    assert.equal(await jobs.retryNow(waiting.id, clock.now), true);
    const again = await jobs.get(waiting.id);
    assert.deepEqual([again?.state, again?.attempt, again?.runAt], ["waiting", 1, NOW]);
    assert.equal(await jobs.retryNow(retry.id, clock.now), false, "its payload went when it was over");
  });

  test("dead letters are counted, grouped, edited and removed together", async ({ store: { deadLetters }, clock }) => {
    const letter = (consumer: string, reason: string) => ({ teamId: 1, consumer, reason, event: "{}" });
    await deadLetters.add([letter("a", "x"), letter("a", "y"), letter("b", "x")]);
    clock.now += 10;
    await deadLetters.add([letter("a", "x")]);
    assert.equal(await deadLetters.total({ consumer: "a" }), 3);
    assert.equal(await deadLetters.total({ consumer: "a", reason: "x", after: NOW }), 1);
    assert.deepEqual((await deadLetters.groups({ teamId: 1 }, 2))[0], {
      teamId: 1,
      consumer: "a",
      reason: "x",
      count: 2,
      latestAt: NOW + 10,
    });
    assert.equal((await deadLetters.groups({}, 2)).length, 2);
    const [newest] = (await deadLetters.list({ reason: "x", limit: 1 })).results;
    assert.equal(await deadLetters.edit(newest?.id ?? "", '{"event":"b"}'), true);
    assert.equal((await deadLetters.get(newest?.id ?? ""))?.event, '{"event":"b"}');
    assert.equal(await deadLetters.edit("999", "{}"), false);
    assert.equal(await deadLetters.removeAll({ reason: "x", before: NOW + 1 }), 2);
    assert.equal(await deadLetters.removeAll({}), 2);
  });
}
