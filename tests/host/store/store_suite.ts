/**
 * What both stores must do, run against each by its own test file.
 * @module
 */

import assert from "node:assert/strict";
import type { LogEntry, NewJob, Store } from "../../../host/store/store.ts";

export interface StoreUnderTest extends AsyncDisposable {
  store: Store;
  /** Another host on the same data. */
  openAnother(): Promise<Store>;
  /** The clock that both go by. */
  clock: { now: number };
}

const NOW = 1_800_000_000_000;

function job(fields: Partial<NewJob> = {}): NewJob {
  return {
    kind: "plugin",
    pluginConfigId: 1,
    teamId: 2,
    type: "sync",
    payload: { n: 1 },
    runAt: NOW,
    attempt: 1,
    maxAttempts: 5,
    ...fields,
  };
}

function entry(fields: Partial<LogEntry> = {}): LogEntry {
  return {
    id: crypto.randomUUID(),
    pluginConfigId: 1,
    teamId: 2,
    at: NOW,
    source: "CONSOLE",
    type: "LOG",
    message: "hello",
    instanceId: "host",
    ...fields,
  };
}

/** Registers the tests; `open` gives an empty store. */
export function testStore(name: string, open: (clock: { now: number }) => Promise<StoreUnderTest>): void {
  function test(title: string, body: (under: StoreUnderTest) => Promise<void>): void {
    Deno.test(`${name}: ${title}`, async () => {
      await using under = await open({ now: NOW });
      await body(under);
    });
  }

  test("jobs.enqueue() keeps every field, get() gives it back", async ({ store, clock }) => {
    const wanted = job({
      payload: { text: "a\0b\ud83d\ude00", list: [1, null, 2.5] },
      runAt: NOW + 5,
      attempt: 2,
      depth: 3,
    });
    const kept = await store.jobs.enqueue(wanted);
    const { id, ...rest } = kept;
    assert.deepEqual(rest, {
      ...wanted,
      state: "waiting",
      createdAt: clock.now,
      updatedAt: clock.now,
      lastError: null,
    });
    assert.deepEqual(await store.jobs.get(id), kept);
    assert.equal((await store.jobs.enqueue(job({ payload: undefined }))).payload, undefined);
    assert.equal((await store.jobs.enqueue(job({ payload: null }))).payload, null);
    for (const unknown of ["999", "", "x", "1; DROP TABLE jobs", "-1"]) {
      assert.equal(await store.jobs.get(unknown), null);
    }
  });

  test("jobs.enqueue() makes one job of a request, also when that one is done", async ({ store }) => {
    const [request, another] = [crypto.randomUUID(), crypto.randomUUID()];
    const first = await store.jobs.enqueue(job({ request }));
    const again = await store.jobs.enqueue(job({ request, runAt: NOW + 5 }));
    assert.deepEqual(again, first);
    await store.jobs.claim([1], NOW, 10, 1000, "host");
    await store.jobs.complete(first.id, "host");
    assert.equal((await store.jobs.enqueue(job({ request }))).state, "done");
    assert.notEqual((await store.jobs.enqueue(job({ request: another }))).id, first.id);
    assert.equal(await store.jobs.total({}), 2);
  });

  test("JB-05 jobs.claim() gives a job when it is due, not before, unchanged", async ({ store }) => {
    const kept = await store.jobs.enqueue(job({ runAt: NOW + 3000 }));
    assert.deepEqual(await store.jobs.claim([1], NOW + 2999, 10, 1000, "a"), []);
    assert.equal(await store.jobs.nextRunAt([1, 7]), NOW + 3000);
    const [claimed] = await store.jobs.claim([1], NOW + 3000, 10, 1000, "a");
    assert.deepEqual({ ...claimed, state: "waiting", updatedAt: NOW }, kept);
    assert.equal(claimed?.state, "running");
    assert.equal(await store.jobs.nextRunAt([1]), null);
  });

  test("jobs.claim() gives the oldest first, up to the limit, of the plugin configs asked for", async ({ store }) => {
    const runAts = [NOW - 1, NOW - 5, NOW - 3, NOW - 4, NOW - 2];
    for (const runAt of runAts) await store.jobs.enqueue(job({ runAt }));
    await store.jobs.enqueue(job({ pluginConfigId: 9, runAt: NOW - 100 }));
    const first = await store.jobs.claim([1, 2], NOW, 3, 1000, "a");
    assert.deepEqual(first.map(({ runAt }) => runAt), [NOW - 5, NOW - 4, NOW - 3]);
    const rest = await store.jobs.claim([1, 2], NOW, 3, 1000, "b");
    assert.deepEqual(rest.map(({ runAt }) => runAt), [NOW - 2, NOW - 1]);
    assert.deepEqual(await store.jobs.claim([], NOW, 3, 1000, "b"), []);
  });

  test("jobs.claim() gives a job again when its lease has ended, and the old owner has no say", async ({ store, clock }) => {
    const { id } = await store.jobs.enqueue(job());
    await store.jobs.claim([1], NOW, 10, 1000, "died");
    assert.deepEqual(await store.jobs.claim([1], NOW + 999, 10, 1000, "next"), []);
    clock.now = NOW + 1000;
    const [again] = await store.jobs.claim([1], clock.now, 10, 1000, "next");
    assert.equal(again?.id, id);
    assert.equal(again?.attempt, 1);
    await store.jobs.complete(id, "died");
    await store.jobs.fail(id, "died", "late");
    await store.jobs.retry(id, "died", NOW, 2, "late");
    assert.equal((await store.jobs.get(id))?.state, "running");
    await store.jobs.complete(id, "next");
    assert.equal((await store.jobs.get(id))?.state, "done");
    assert.deepEqual(await store.jobs.claim([1], NOW + 99_999, 10, 1000, "x"), []);
  });

  test("jobs.list() leaves out large payloads, jobs.get() does not", async ({ store }) => {
    const large = "ä".repeat(40_000);
    const { id } = await store.jobs.enqueue(job({ payload: large }));
    await store.jobs.enqueue(job({ payload: "small" }));
    const { results } = await store.jobs.list({ limit: 10 });
    assert.deepEqual(results.map(({ payload }) => payload ?? null), ["small", null]);
    assert.equal((await store.jobs.get(id))?.payload, large);
  });

  test("jobs.complete() and fail() drop the payload of the service's own retries", async ({ store }) => {
    for (const kind of ["plugin", "onEvent", "exportEvents"] as const) {
      await store.jobs.enqueue(job({ kind, payload: [1] }));
    }
    const [plugin, onEvent, exportEvents] = await store.jobs.claim([1], NOW, 10, 1000, "a");
    await store.jobs.complete(plugin?.id ?? "", "a");
    await store.jobs.complete(onEvent?.id ?? "", "a");
    await store.jobs.fail(exportEvents?.id ?? "", "a", "no");
    const { results } = await store.jobs.list({ limit: 10 });
    assert.deepEqual(results.map(({ kind, payload }) => [kind, payload ?? null]), [
      ["exportEvents", null],
      ["onEvent", null],
      ["plugin", [1]],
    ]);
  });

  test("deadLetters.prune() keeps the newest of each consumer, and none that is too old", async ({ store, clock }) => {
    const letters = (consumer: string, ...events: string[]) =>
      store.deadLetters.add(events.map((event) => ({ teamId: 1, consumer, reason: "r", event })));
    await letters("onEvent:1", "1", "2");
    clock.now = NOW + 1000;
    await letters("onEvent:1", "3", "4", "5");
    await letters("onEvent:2", "6");
    const kept = async () => (await store.deadLetters.list({ limit: 10 })).results.map(({ event }) => event);
    await store.deadLetters.prune(4, NOW);
    assert.deepEqual(await kept(), ["6", "5", "4", "3", "2"]);
    await store.deadLetters.prune(4, NOW + 1);
    assert.deepEqual(await kept(), ["6", "5", "4", "3"]);
    await store.deadLetters.prune(1, 0);
    assert.deepEqual(await kept(), ["6", "5"]);
  });

  test("jobs.extend() prolongs the leases of jobs that the owner runs, and of no others", async ({ store, clock }) => {
    const { id } = await store.jobs.enqueue(job());
    const other = await store.jobs.enqueue(job());
    const waiting = await store.jobs.enqueue(job({ runAt: NOW + 10_000 }));
    await store.jobs.claim([1], NOW, 1, 1000, "a");
    await store.jobs.claim([1], NOW, 1, 1000, "b");
    clock.now = NOW + 900;
    await store.jobs.extend([id, other.id, waiting.id, "none"], 1000, "a");
    await store.jobs.extend([], 1000, "a");
    assert.deepEqual((await store.jobs.claim([1], NOW + 1899, 10, 1000, "c")).map((each) => each.id), [other.id]);
    assert.deepEqual((await store.jobs.claim([1], NOW + 1900, 10, 1000, "c")).map((each) => each.id), [id]);
    assert.equal(await store.jobs.nextRunAt([1]), NOW + 10_000);
  });

  test("jobs.release() gives back at once what one owner was running", async ({ store }) => {
    const mine = await store.jobs.enqueue(job({ runAt: NOW - 2 }));
    const others = await store.jobs.enqueue(job({ runAt: NOW - 1 }));
    await store.jobs.claim([1], NOW, 1, 60_000, "died");
    await store.jobs.claim([1], NOW, 1, 60_000, "alive");
    await store.jobs.release("died");
    assert.equal((await store.jobs.get(mine.id))?.state, "waiting");
    assert.equal((await store.jobs.get(others.id))?.state, "running");
    const claimed = await store.jobs.claim([1], NOW, 10, 1000, "died");
    assert.deepEqual(claimed.map(({ id, runAt, attempt }) => [id, runAt, attempt]), [[mine.id, NOW - 2, 1]]);
  });

  test("jobs.claim() never gives one job to two hosts", async ({ store, openAnother }) => {
    await using other = await openAnother();
    await Promise.all(Array.from({ length: 200 }, () => store.jobs.enqueue(job())));
    const taken: string[] = [];
    async function work(host: Store, owner: string): Promise<void> {
      for (;;) {
        const jobs = await host.jobs.claim([1], NOW, 7, 60_000, owner);
        if (jobs.length === 0) return;
        taken.push(...jobs.map(({ id }) => id));
      }
    }
    await Promise.all([work(store, "a"), work(other, "b"), work(store, "c"), work(other, "d")]);
    assert.equal(taken.length, 200);
    assert.equal(new Set(taken).size, 200);
  });

  test("jobs.retry() puts a job back with its error, fail() ends it", async ({ store }) => {
    const { id } = await store.jobs.enqueue(job());
    await store.jobs.claim([1], NOW, 1, 1000, "a");
    await store.jobs.retry(id, "a", NOW + 5000, 2, "first\0error");
    const waiting = await store.jobs.get(id);
    assert.equal(waiting?.state, "waiting");
    assert.equal(waiting?.attempt, 2);
    assert.equal(waiting?.runAt, NOW + 5000);
    assert.equal(waiting?.lastError, "first\uFFFDerror");
    assert.deepEqual(await store.jobs.claim([1], NOW + 4999, 1, 1000, "a"), []);
    await store.jobs.claim([1], NOW + 5000, 1, 1000, "a");
    await store.jobs.fail(id, "a", "last error");
    const failed = await store.jobs.get(id);
    assert.equal(failed?.state, "failed");
    assert.equal(failed?.lastError, "last error");
  });

  test("jobs.cancel() stops only what waits", async ({ store }) => {
    const waiting = await store.jobs.enqueue(job());
    assert.equal(await store.jobs.cancel(waiting.id), true);
    assert.equal(await store.jobs.cancel(waiting.id), false);
    assert.equal(await store.jobs.cancel("nonsense"), false);
    const running = await store.jobs.enqueue(job());
    await store.jobs.claim([1], NOW, 1, 1000, "a");
    assert.equal(await store.jobs.cancel(running.id), false);
    assert.equal((await store.jobs.get(running.id))?.state, "running");
    assert.equal((await store.jobs.get(waiting.id))?.state, "cancelled");
  });

  test("jobs.outstanding() counts waiting and running, prune() takes the finished", async ({ store, clock }) => {
    const outstanding = async () => (await store.jobs.outstanding(1)).jobs;
    for (let i = 0; i < 3; i++) await store.jobs.enqueue(job());
    await store.jobs.enqueue(job({ pluginConfigId: 2 }));
    const [first] = await store.jobs.claim([1], NOW, 1, 1000, "a");
    assert.equal(await outstanding(), 3);
    await store.jobs.complete(first!.id, "a");
    assert.equal(await outstanding(), 2);
    clock.now = NOW + 10;
    await store.jobs.prune(NOW);
    assert.notEqual(await store.jobs.get(first!.id), null);
    await store.jobs.prune(NOW + 1);
    assert.equal(await store.jobs.get(first!.id), null);
    assert.equal(await outstanding(), 2);
  });

  test("a large payload is kept until its job is done, or for the next try, and counts as long as it waits", async ({ store }) => {
    const large = "ü".repeat(40_000);
    const [done, failed] = [
      await store.jobs.enqueue(job({ payload: large })),
      await store.jobs.enqueue(job({ payload: large })),
    ];
    const small = await store.jobs.enqueue(job({ payload: "small" }));
    const bytes = (text: string) => new TextEncoder().encode(JSON.stringify(text)).length;
    assert.deepEqual(await store.jobs.outstanding(1), { jobs: 3, bytes: 2 * bytes(large) + bytes("small") });
    await store.jobs.claim([1], NOW, 3, 1000, "a");
    await store.jobs.complete(done.id, "a");
    await store.jobs.complete(small.id, "a");
    await store.jobs.fail(failed.id, "a", "no");
    assert.deepEqual(await store.jobs.outstanding(1), { jobs: 0, bytes: 0 });
    const payloads = await Promise.all(
      [done, small, failed].map(async ({ id }) => (await store.jobs.get(id))?.payload),
    );
    assert.deepEqual(payloads, [undefined, "small", large]);
  });

  test("jobs.prune() takes any number", async ({ store, clock }) => {
    const jobs = await Promise.all(Array.from({ length: 2500 }, () => store.jobs.enqueue(job())));
    await Promise.all(jobs.slice(1).map(({ id }) => store.jobs.cancel(id)));
    clock.now = NOW + 10;
    await store.jobs.prune(clock.now);
    assert.deepEqual((await store.jobs.list({ limit: 10 })).results.map(({ id }) => id), [jobs[0]!.id]);
  });

  test("jobs.list() pages newest first and filters", async ({ store }) => {
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.push((await store.jobs.enqueue(job({ type: `job${i}` }))).id);
    await store.jobs.enqueue(job({ pluginConfigId: 2 }));
    await store.jobs.enqueue(job({ kind: "onEvent" }));
    const filter = { pluginConfigId: 1, kind: "plugin", state: "waiting", limit: 2 } as const;
    const seen: string[] = [];
    let next: string | null | undefined;
    while (next !== null) {
      const page = await store.jobs.list(next === undefined ? filter : { ...filter, next });
      assert(page.results.length <= 2);
      seen.push(...page.results.map(({ id }) => id));
      next = page.next;
    }
    assert.deepEqual(seen, ids.toReversed());
    assert.equal((await store.jobs.list({ limit: 100 })).results.length, 7);
    assert.deepEqual(await store.jobs.list({ limit: 10, state: "done" }), { results: [], next: null });
    assert.deepEqual((await store.jobs.list({ limit: 10, next: "'" })).results, []);
  });

  test("VM-20 storage.set(), get() and del()", async ({ store }) => {
    assert.equal(await store.storage.get(1, "k"), null);
    await store.storage.set(1, "k", "-1");
    await store.storage.set(1, "k", "null");
    assert.equal(await store.storage.get(1, "k"), "null");
    assert.equal(await store.storage.get(2, "k"), null);
    await store.storage.del(1, "k");
    await store.storage.del(1, "k");
    assert.equal(await store.storage.get(1, "k"), null);
  });

  test("storage keeps any key up to 200 characters and any JSON text", async ({ store }) => {
    const keys = ["", " ", "a'b\"c", "ü".repeat(200), "__proto__", "%", "a\nb"];
    for (const key of keys) await store.storage.set(1, key, JSON.stringify({ key, nul: "\0" }));
    for (const key of keys) assert.deepEqual(JSON.parse(await store.storage.get(1, key) ?? ""), { key, nul: "\0" });
    assert.deepEqual(Object.keys(await store.storage.all(1)).sort(), keys.toSorted());
    await assert.rejects(store.storage.set(1, "x".repeat(201), "1"), /at most 200/);
    await store.storage.set(1, "a\0b", "1");
    assert.equal(await store.storage.get(1, "a\uFFFDb"), "1");
  });

  test("storage.init() sets once, increment() adds atomically and refuses what is no number", async ({ store, openAnother }) => {
    await using other = await openAnother();
    await store.storage.init(1, "cursor", "10");
    await store.storage.init(1, "cursor", "20");
    assert.equal(await store.storage.get(1, "cursor"), "10");
    await Promise.all(Array.from({ length: 40 }, (_, i) => (i % 2 ? store : other).storage.increment(1, "cursor", 2)));
    assert.equal(await store.storage.get(1, "cursor"), "90");
    assert.equal(await store.storage.increment(1, "fresh", 5), 5);
    assert.equal(await store.storage.increment(1, "fresh", -7.5), -2.5);
    for (const text of ['"5"', "null", "{}", "", "NaN", "1x"]) {
      await store.storage.set(1, "text", text);
      await assert.rejects(store.storage.increment(1, "text", 1), {
        message: 'Cannot increment "text": its value is not a number',
      });
      assert.equal(await store.storage.get(1, "text"), text);
    }
  });

  test("storage.size() counts keys and values of one plugin config", async ({ store }) => {
    assert.equal(await store.storage.size(1), 0);
    await store.storage.set(1, "ab", "12345");
    await store.storage.set(1, "é", "1");
    await store.storage.set(2, "other", "1");
    assert.equal(await store.storage.size(1), 10);
  });

  test("pluginConfigs.put() lets the reason of another host stand when it has none of its own", async ({ store }) => {
    const record = { pluginConfigId: 1, disabledReason: null, revision: "a", lastError: null, capabilities: null };
    await store.pluginConfigs.put({ ...record, disabledReason: "it crashed" });
    await store.pluginConfigs.put(record, true);
    const kept = { pluginConfigId: 1, revision: "a", disabledReason: "it crashed" };
    assert.deepEqual((await store.pluginConfigs.reasons()).map((row) => ({ ...row })), [kept]);
    await store.pluginConfigs.put({ ...record, revision: "b" }, true);
    assert.equal((await store.pluginConfigs.get(1))?.disabledReason, null);
    await store.pluginConfigs.put({ ...record, disabledReason: "it crashed" });
    await store.pluginConfigs.put(record);
    assert.equal((await store.pluginConfigs.get(1))?.disabledReason, null);
  });

  test("SQ-04 pluginConfigs.put() keeps an error and null", async ({ store }) => {
    assert.equal(await store.pluginConfigs.get(1), null);
    const record = {
      pluginConfigId: 1,
      disabledReason: null,
      revision: "r1",
      lastError: { name: "Error", message: "boom\0", retry: false, at: NOW, event: { uuid: "u" } },
      capabilities: { methods: ["processEvent" as const], scheduled_tasks: [], jobs: ["x"] },
    };
    await store.pluginConfigs.put(record);
    assert.deepEqual(await store.pluginConfigs.get(1), record);
    await store.pluginConfigs.put({ ...record, lastError: null, capabilities: null });
    assert.deepEqual(await store.pluginConfigs.get(1), { ...record, lastError: null, capabilities: null });
  });

  test("SQ-05 a disabled plugin config stays so, others untouched", async ({ store }) => {
    const record = { revision: "r", lastError: null, capabilities: null };
    await store.pluginConfigs.put({ pluginConfigId: 1, disabledReason: null, ...record });
    await store.pluginConfigs.put({ pluginConfigId: 2, disabledReason: null, ...record });
    await store.pluginConfigs.put({ pluginConfigId: 1, disabledReason: "setupPlugin failed", ...record });
    assert.equal((await store.pluginConfigs.get(1))?.disabledReason, "setupPlugin failed");
    assert.equal((await store.pluginConfigs.get(2))?.disabledReason, null);
  });

  test("logs.list() pages newest first and filters", async ({ store }) => {
    await store.logs.append([]);
    await store.logs.append([
      entry({ at: NOW + 1, message: "Grüße aus 100%_Köln", type: "WARN" }),
      entry({ at: NOW + 3, message: "c", source: "SYSTEM", type: "ERROR" }),
      entry({ at: NOW + 2, message: "nul \0 half \ud800" }),
      entry({ at: NOW + 2, message: "same time, later", source: "PLUGIN" }),
      entry({ pluginConfigId: 2, message: "other" }),
    ]);
    const list = async (fields: object) =>
      (await store.logs.list({ pluginConfigId: 1, limit: 10, ...fields })).results.map(({ message }) => message);
    assert.deepEqual(await list({}), ["c", "same time, later", "nul \uFFFD half \uFFFD", "Grüße aus 100%_Köln"]);
    assert.deepEqual(await list({ types: ["WARN", "ERROR"] }), ["c", "Grüße aus 100%_Köln"]);
    assert.deepEqual(await list({ types: [] }), []);
    assert.deepEqual(await list({ search: "GRÜSSE" }), []);
    assert.deepEqual(await list({ search: "grÜße" }), ["Grüße aus 100%_Köln"]);
    assert.deepEqual(await list({ search: "0%_k" }), ["Grüße aus 100%_Köln"]);
    assert.deepEqual(await list({ search: "_" }), ["Grüße aus 100%_Köln"]);
    assert.deepEqual(await list({ before: NOW + 3, after: NOW + 1 }), ["same time, later", "nul \uFFFD half \uFFFD"]);
    const seen: string[] = [];
    let next: string | null | undefined;
    while (next !== null) {
      const page = await store.logs.list({ pluginConfigId: 1, limit: 1, ...(next === undefined ? {} : { next }) });
      seen.push(...page.results.map(({ message }) => message));
      next = page.next;
    }
    assert.deepEqual(seen, await list({}));
  });

  test("logs.append() keeps every field", async ({ store }) => {
    const kept = entry({ source: "SYSTEM", type: "ERROR", instanceId: "i", message: "m" });
    await store.logs.append([kept]);
    assert.deepEqual((await store.logs.list({ pluginConfigId: 1, limit: 1 })).results, [kept]);
  });

  test("logs.prune() keeps the newest of each plugin config and none that are old", async ({ store }) => {
    await store.logs.append([1, 2, 3, 4, 5].map((i) => entry({ at: NOW + i, message: String(i) })));
    await store.logs.append([1, 2].map((i) => entry({ pluginConfigId: 2, at: NOW + i, message: String(i) })));
    await store.logs.prune(3, NOW + 2);
    const messages = async (pluginConfigId: number) =>
      (await store.logs.list({ pluginConfigId, limit: 10 })).results.map(({ message }) => message);
    assert.deepEqual(await messages(1), ["5", "4", "3"]);
    assert.deepEqual(await messages(2), ["2"]);
    for (const pluginConfigId of [2, 7]) {
      await store.logs.append([3, 4, 5].map((i) => entry({ pluginConfigId, at: NOW + i, message: String(i) })));
    }
    await store.logs.prune(1, 0);
    assert.deepEqual([await messages(1), await messages(2), await messages(7)], [["5"], ["5"], ["5"]]);
  });

  test("deadLetters are listed by team and consumer, read and removed", async ({ store, clock }) => {
    const letter = { teamId: 1, consumer: "onEvent:1", reason: "because\0", event: '{"event":"\\u0000"}' };
    await store.deadLetters.add([letter, { ...letter, consumer: "destination:1/a" }, { ...letter, teamId: 2 }]);
    const { results } = await store.deadLetters.list({ teamId: 1, limit: 10 });
    assert.deepEqual(results.map(({ consumer }) => consumer), ["destination:1/a", "onEvent:1"]);
    const [found] = (await store.deadLetters.list({ teamId: 1, consumer: "onEvent:1", limit: 10 })).results;
    assert.deepEqual(found, { ...letter, reason: "because\uFFFD", id: found?.id, at: clock.now });
    assert.deepEqual(await store.deadLetters.get(found!.id), found);
    const page = await store.deadLetters.list({ limit: 2 });
    assert.equal(page.results.length, 2);
    assert.equal((await store.deadLetters.list({ limit: 2, next: page.next! })).results.length, 1);
    assert.equal(await store.deadLetters.remove(found!.id), true);
    assert.equal(await store.deadLetters.remove(found!.id), false);
    assert.equal(await store.deadLetters.get(found!.id), null);
    assert.equal(await store.deadLetters.get("x"), null);
  });

  test("ticks.claim() gives a tick to one host, and not while a run is under way", async ({ store, openAnother, clock }) => {
    await using other = await openAnother();
    const claims = await Promise.all([
      store.ticks.claim(1, "runEveryMinute", 100, 1000, "a"),
      other.ticks.claim(1, "runEveryMinute", 100, 1000, "b"),
    ]);
    assert.deepEqual(claims.toSorted(), [false, true]);
    const [owner, host] = claims[0] ? ["a", store] as const : ["b", other] as const;
    assert.equal(await store.ticks.claim(1, "runEveryMinute", 101, 1000, "c"), false);
    assert.equal(await store.ticks.claim(1, "runEveryHour", 101, 1000, "c"), true);
    assert.equal(await store.ticks.claim(2, "runEveryMinute", 101, 1000, "c"), true);
    await store.ticks.finish(1, "runEveryMinute", "somebody else");
    assert.equal(await store.ticks.claim(1, "runEveryMinute", 101, 1000, "c"), false);
    await host.ticks.finish(1, "runEveryMinute", owner);
    assert.equal(await store.ticks.claim(1, "runEveryMinute", 100, 1000, "c"), false);
    assert.equal(await store.ticks.claim(1, "runEveryMinute", 101, 1000, "c"), true);
    await store.ticks.extend(1, "runEveryMinute", 5000, "c");
    clock.now += 4999;
    assert.equal(await store.ticks.claim(1, "runEveryMinute", 102, 1000, "d"), false);
    clock.now += 1;
    assert.equal(await store.ticks.claim(1, "runEveryMinute", 102, 1000, "d"), true);
  });

  test("settings are kept, changed and deleted", async ({ store }) => {
    assert.equal(await store.settings.get("k"), null);
    await store.settings.set("k", "1");
    await store.settings.set("k", "2");
    assert.equal(await store.settings.get("k"), "2");
    await store.settings.set("k:%", "3");
    await store.settings.set("other", "4");
    assert.deepEqual(await store.settings.list("k"), { k: "2", "k:%": "3" });
    assert.deepEqual(await store.settings.list("k:"), { "k:%": "3" });
    await store.settings.del("k");
    assert.equal(await store.settings.get("k"), null);
  });

  test("everything is there for the next host", async ({ store, openAnother }) => {
    await store.storage.set(1, "k", "1");
    const { id } = await store.jobs.enqueue(job());
    await using other = await openAnother();
    assert.equal(await other.storage.get(1, "k"), "1");
    assert.equal((await other.jobs.get(id))?.state, "waiting");
    assert.equal(await other.ping(), true);
  });
}
