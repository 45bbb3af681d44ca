/**
 * Proves that telemetry counts what happened, groups failures by kind, and stays bounded in memory and in the store.
 */

import assert from "node:assert/strict";
import type { ErrorRecord } from "../../../runtime/errors.ts";
import { openSqliteStore } from "../../../host/store/sqlite_store.ts";
import { createCounters } from "../../../host/telemetry/counters.ts";
import { fingerprintOf, generalize } from "../../../host/telemetry/fingerprint.ts";
import { bucketOf, percentile } from "../../../host/telemetry/histogram.ts";
import { differenceOf } from "../../../host/store/points.ts";
import { createProblemWriter } from "../../../host/telemetry/problem_writer.ts";
import { findSubjects, readSeries, readTotals } from "../../../host/telemetry/read_series.ts";
import { createRecorder } from "../../../host/telemetry/recorder.ts";
import { createTraceOrders } from "../../../host/telemetry/trace_orders.ts";
import { temporaryFolder } from "../../kit/temporary_folder.ts";

const NO_EVENTS = { lengths: [], body: new Uint8Array() };
const NOW = 1_800_000_000_000;

function fail(message: string): void {
  throw new Error(message);
}

Deno.test("a batch's outcomes are counted for each plugin of its chain", () => {
  const { plugins, functions, read } = createCounters();
  plugins.begin("processEvent", [1, 2], 5);
  assert.equal(functions.get(2)?.get("processEvent")?.inFlight, 5);
  const error: ErrorRecord = { name: "TimeoutError", message: "", retry: true };
  plugins.batch("processEvent", [1, 2], {
    outcomes: ["oodfr", "ossss"],
    errors: [{ event: 4, plugin: 0, error }],
    events: NO_EVENTS,
  }, 7);
  assert.deepEqual(read().get("plugin:1/processEvent"), {
    in: 5,
    out: 2,
    dropped: 1,
    failed: 1,
    retried: 1,
    timed_out: 1,
    skipped: 0,
    calls: 1,
    ms: 7,
    in_flight: 0,
    le_10: 1,
  });
  assert.equal(read().get("plugin:2/processEvent")?.["in"], 1);
  assert.equal(read().get("plugin:2/processEvent")?.["skipped"], 4);
});

Deno.test("a plugin whose jobs have endless names has a bounded number of counters", () => {
  const { plugins, functions } = createCounters();
  for (let i = 0; i < 1000; i++) plugins.call(1, `job ${i}`, null, 1);
  assert.equal(functions.get(1)?.size, 101);
  assert.equal(functions.get(1)?.get("others")?.in, 900);
});

Deno.test("differenceOf() leaves out what did not happen, and takes a count that went back as begun anew", () => {
  assert.equal(differenceOf({ in: 1, memory_bytes: 0 }, { in: 1, memory_bytes: 0 }), null);
  assert.deepEqual(differenceOf({ in: 5, lag_events: 9 }, { in: 2, lag_events: 4, out: 1 }), {
    in: 2,
    lag_events: 4,
    out: 1,
  });
});

Deno.test("percentile() lies within the bucket of what was counted", () => {
  assert.equal(percentile({}, 0.5), null);
  assert.equal(bucketOf(0.2), 0);
  assert.equal(bucketOf(1e9), 14);
  const p = percentile({ le_10: 90, le_1000: 10 }, 0.95) ?? 0;
  assert(p > 500 && p <= 1000, String(p));
  assert.equal(percentile({ le_inf: 3 }, 0.5), 30_000);
});

Deno.test("the recorder keeps what was counted in three steps, over a restart too, and forgets what is too old", async () => {
  await using folder = await temporaryFolder();
  await using store = await openSqliteStore({ path: folder.file("store.db"), synchronous: "off" });
  let now = NOW;
  const run = (name: string) => {
    let counted = 0;
    const recorder = createRecorder({
      series: store.series,
      run: name,
      now: () => now,
      read: () => Promise.resolve(new Map([["plugin:1/processEvent", { in: counted, in_flight: 2 }]])),
      onError: fail,
    });
    return { recorder, count: (events: number) => counted += events };
  };
  const first = run("first");
  first.count(5);
  now += 10_000;
  await first.recorder.flush();
  first.count(3);
  now += 10_000;
  await first.recorder[Symbol.asyncDispose]();
  const second = run("second");
  second.count(4);
  await second.recorder[Symbol.asyncDispose]();

  const question = {
    ...await findSubjects(store.series, ["plugin:*"], { after: "", limit: 9 }),
    fields: ["in", "in_flight"],
    from: NOW,
    to: NOW + 30_000,
    points: 10,
  };
  const { every, series } = await readSeries(store.series, question, now);
  assert.equal(every, 10_000);
  assert.deepEqual(series, [{ subject: "plugin:1/processEvent", fields: { in: [5, 7, 0], in_flight: [2, 2, 0] } }]);
  const hour = await readTotals(store.series, { ...question, from: NOW - 26 * 3_600_000 }, now);
  assert.equal(hour[0]?.fields["in"], 12, "an hour's step has what both runs counted");

  now += 2 * 3_600_000;
  const third = run("third");
  third.count(1);
  await third.recorder[Symbol.asyncDispose]();
  const kept = (step: 10 | 3600) =>
    store.series.read(["plugin:1/processEvent"], { step, from: 0, to: now, every: step * 1000 });
  assert.equal((await kept(10)).length, 1);
  assert.equal((await kept(3600)).length, 2);
});

Deno.test("messages that differ in what varies have one fingerprint, other functions and places have others", () => {
  assert.equal(
    generalize('No user 42 "bob" at https://x.y/z?1 for a@b.co, 6f9619ff-8b86-d011-b42d-00c04fc964ff'),
    'No user <n> "<text>" at <url> for <email>, <uuid>',
  );
  const error = (message: string, stack = "Error\n    at f (/index.js:3:5)") => ({ name: "Error", message, stack });
  const of = (place: string, each: ReturnType<typeof error>) => fingerprintOf("error", 1, place, each);
  assert.equal(of("onEvent", error("id 1")), of("onEvent", error("id 22")));
  assert.notEqual(of("onEvent", error("id 1")), of("processEvent", error("id 1")));
  assert.notEqual(of("onEvent", error("id 1")), of("onEvent", error("id 1", "Error\n    at f (/index.js:9:5)")));
});

Deno.test("failures are grouped before they are written, and their samples read only once", async () => {
  await using folder = await temporaryFolder();
  await using store = await openSqliteStore({ path: folder.file("store.db"), synchronous: "off" });
  const writer = createProblemWriter(store.problems, () => NOW, fail);
  let samples = 0;
  for (let i = 0; i < 1000; i++) {
    writer.error(39, 1, "processEvent", { name: "Error", message: `no user ${i}`, retry: false }, () => {
      samples++;
      return `{"event":"${i}"}`;
    });
  }
  writer.warning(1, "invalid_payload", "Malformed");
  await writer.flush();
  assert.equal(samples, 1);
  const { results: [kept] } = await store.problems.list({ kind: "error", limit: 9 });
  assert.equal(kept?.count, 1000);
  assert.equal((await store.problems.get(kept?.fingerprint ?? ""))?.sample, '{"event":"0"}');
  assert.equal((await store.problems.list({ kind: "warning", limit: 9 })).results[0]?.place, "invalid_payload");
});

Deno.test("trace orders choose events until their time or their bytes are over", async () => {
  let now = NOW;
  await using folder = await temporaryFolder();
  await using store = await openSqliteStore({ path: folder.file("store.db"), synchronous: "off" });
  const { settings } = store;
  const orders = createTraceOrders({ settings, now: () => now });
  const record = (key: string) => ({ key, event: new Uint8Array(100), cursor: "1", at: NOW });
  const records = [record("a"), record("b"), record("a"), record("a")];
  assert.deepEqual(orders.choose(1, records), []);
  await orders.add({ project: 1, distinctId: "a", oneIn: 2, until: NOW + 1000, bytes: 300 });
  assert.deepEqual(orders.choose(2, records), []);
  assert.deepEqual(orders.choose(1, records), [2]);
  assert.equal(orders.list()[0]?.chosen, 1);
  assert.deepEqual(orders.choose(1, records), [0, 3].slice(0, 1));
  assert.deepEqual(orders.choose(1, records), [], "the bytes are used up");
  await orders.look();
  assert.deepEqual(orders.choose(1, records), [], "and stay so");
  await orders.add({ project: 1, oneIn: 1, until: NOW + 1000, bytes: 1e6 });
  assert.equal(orders.choose(1, records).length, 4);
  now += 1000;
  assert.deepEqual(orders.choose(1, records), []);
  await orders.look();
  assert.deepEqual(await settings.list(""), {}, "nothing of it stays");
});

Deno.test("trace orders outlast a restart, and hold for every host on one store", async () => {
  await using folder = await temporaryFolder();
  await using store = await openSqliteStore({ path: folder.file("store.db"), synchronous: "off" });
  const host = () => createTraceOrders({ settings: store.settings, now: () => NOW });
  const [one, other] = [host(), host()];
  const order = await one.add({ project: 1, distinctId: "a", oneIn: 1, until: NOW + 1000, bytes: 1000 });
  await store.settings.set("trace_order:x", "of another version");
  await other.look();
  assert.deepEqual(other.list(), [order]);
  assert.deepEqual(other.choose(1, [{ key: "a", event: new Uint8Array(9), cursor: "1", at: NOW }]), [0]);
  await other.look();
  assert.equal(other.list()[0]?.chosen, 1, "what it has chosen is known after the next look");
  assert.equal(await other.remove(order.id), true);
  assert.equal(await other.remove(order.id), false);
  await one.look();
  assert.deepEqual(one.list(), []);
});
