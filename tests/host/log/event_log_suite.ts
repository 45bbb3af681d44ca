/**
 * What every event log must do, whatever it stands on. Records of one key keep their order; nothing is said about
 * records of different keys, since a log may keep them apart.
 * @module
 */

import assert from "node:assert/strict";
import {
  type Cursor,
  CursorError,
  type EventLog,
  type LogRecord,
  type StoredRecord,
  type Topic,
} from "../../../host/log/event_log.ts";

/** Opens the same log again and again, and an empty one for each test. */
export interface LogUnderTest extends AsyncDisposable {
  open(): Promise<EventLog>;
}

export const LIMITS = { maxEvents: 1000, maxBytes: 1 << 20 };

export function record(key: string, value: unknown): LogRecord {
  return { key, event: new TextEncoder().encode(JSON.stringify(value)) };
}

export function valuesOf(records: LogRecord[]): unknown[] {
  return records.map(({ event }) => JSON.parse(new TextDecoder().decode(event)));
}

/** Reads until this many records have come. */
async function readAll(
  log: EventLog,
  topic: Topic,
  project: number,
  after: Cursor,
  count: number,
): Promise<StoredRecord[]> {
  const all: StoredRecord[] = [];
  const { signal } = new AbortController();
  for (let cursor = after; all.length < count; cursor = all.at(-1)?.cursor ?? after) {
    await log.waitForRecords(topic, project, cursor, signal);
    all.push(...await log.read(topic, project, cursor, LIMITS));
  }
  return all;
}

function byKey(records: LogRecord[]): Record<string, unknown[]> {
  const keys: Record<string, unknown[]> = {};
  for (const each of records) (keys[each.key] ??= []).push(...valuesOf([each]));
  return keys;
}

/** Registers the tests under the name. */
export function testEventLog(
  name: string,
  make: () => Promise<LogUnderTest>,
  options: { ignore?: boolean } = {},
): void {
  const test = (what: string, run: (under: LogUnderTest) => Promise<void>) =>
    Deno.test(`${name}: ${what}`, { sanitizeOps: false, sanitizeResources: false, ...options }, async () => {
      await using under = await make();
      await run(under);
    });

  test("append() keeps records by topic and project, those of one key in order, across a restart", async (under) => {
    {
      await using log = await under.open();
      await Promise.all([
        log.append("inbox", 1, [record("a", 1), record("b", 2)]),
        log.append("inbox", 2, [record("a", "other")]),
        log.append("inbox", 1, [record("a", 3)]),
      ]);
    }
    await using log = await under.open();
    const start = await log.register("inbox", 1, "router", "earliest");
    assert.deepEqual(byKey(await readAll(log, "inbox", 1, start, 3)), { a: [1, 3], b: [2] });
    const other = await log.register("inbox", 2, "router", "earliest");
    assert.deepEqual(valuesOf(await readAll(log, "inbox", 2, other, 1)), ["other"]);
    assert.deepEqual(await log.read("outbox", 1, "", LIMITS), []);
  });

  test("step() moves the cursor and writes the outbox together, and both outlive a restart", async (under) => {
    {
      await using log = await under.open();
      await log.append("inbox", 1, [record("a", 1), record("a", 2)]);
      const start = await log.register("inbox", 1, "router", "earliest");
      const [first] = await readAll(log, "inbox", 1, start, 1);
      await log.step(1, "router", first!.cursor, [record("a", "one")]);
    }
    await using log = await under.open();
    const cursor = await log.cursor("inbox", 1, "router");
    assert.deepEqual(valuesOf(await readAll(log, "inbox", 1, cursor, 1)), [2]);
    assert.deepEqual(valuesOf(await readAll(log, "outbox", 1, "", 1)), ["one"]);
  });

  test("step() of one project leaves what others have not routed", async (under) => {
    {
      await using log = await under.open();
      await log.append("inbox", 1, [record("a", 1)]);
      await log.append("inbox", 2, [record("a", "held back")]);
      await log.append("inbox", 1, [record("a", 2)]);
      const start = await log.register("inbox", 1, "router", "earliest");
      const records = await readAll(log, "inbox", 1, start, 2);
      await log.step(1, "router", records.at(-1)!.cursor, records);
    }
    await using log = await under.open();
    const cursor = await log.cursor("inbox", 2, "router");
    assert.deepEqual(valuesOf(await readAll(log, "inbox", 2, cursor, 1)), ["held back"]);
    await log.append("inbox", 1, [record("a", 3)]);
    const next = await log.cursor("inbox", 1, "router");
    assert.deepEqual(valuesOf(await readAll(log, "inbox", 1, next, 1)), [3]);
  });

  test("step() with nothing to write moves the cursor alone", async (under) => {
    await using log = await under.open();
    await log.append("inbox", 1, [record("k", 1)]);
    const [first] = await readAll(log, "inbox", 1, await log.register("inbox", 1, "router", "earliest"), 1);
    await log.step(1, "router", first!.cursor, []);
    assert.deepEqual(await log.read("inbox", 1, await log.cursor("inbox", 1, "router"), LIMITS), []);
    assert.deepEqual(await log.read("outbox", 1, "", LIMITS), []);
  });

  test("read() refuses a text that is no cursor", async (under) => {
    await using log = await under.open();
    await assert.rejects(log.read("inbox", 1, "x", LIMITS), CursorError);
    await assert.rejects(log.step(1, "router", "-1", []), CursorError);
  });

  test("read() keeps to both limits but gives at least one record", async (under) => {
    await using log = await under.open();
    await log.append("inbox", 1, [1, 2, 3, 4].map((n) => record("k", `${n}`.repeat(100))));
    const start = await log.register("inbox", 1, "router", "earliest");
    await readAll(log, "inbox", 1, start, 4);
    const read = async (maxEvents: number, maxBytes: number) =>
      (await log.read("inbox", 1, start, { maxEvents, maxBytes })).length;
    assert.equal(await read(3, 1 << 20), 3);
    assert.equal(await read(100, 1), 1);
    assert.equal(await read(100, 204), 2);
    assert.equal(await read(100, 203), 1);
  });

  test("waitForRecords() resolves with the first record after the cursor, rejects with the signal's reason", async (under) => {
    await using log = await under.open();
    const { signal } = new AbortController();
    const start = await log.register("inbox", 1, "router", "earliest");
    let woken = false;
    const waiting = log.waitForRecords("inbox", 1, start, signal).then(() => woken = true);
    await log.append("inbox", 2, [record("k", "other project")]);
    assert.equal(woken, false);
    await log.append("inbox", 1, [record("k", 1)]);
    await waiting;

    const [first] = await readAll(log, "inbox", 1, start, 1);
    const controller = new AbortController();
    const aborted = log.waitForRecords("inbox", 1, first!.cursor, controller.signal);
    controller.abort(new Error("enough"));
    await assert.rejects(aborted, { message: "enough" });
  });

  test("register() starts at either end and keeps a cursor that is there; forget() drops it", async (under) => {
    await using log = await under.open();
    const router = await log.register("inbox", 1, "router", "earliest");
    await log.register("outbox", 1, "early", "latest");
    await log.append("inbox", 1, [record("k", 1), record("k", 2)]);
    const records = await readAll(log, "inbox", 1, router, 2);
    await log.step(1, "router", records.at(-1)!.cursor, records);
    await readAll(log, "outbox", 1, "", 2);
    const latest = await log.register("outbox", 1, "late", "latest");
    assert.deepEqual(await log.read("outbox", 1, latest, LIMITS), []);
    const earliest = await log.register("outbox", 1, "all", "earliest");
    assert.equal((await readAll(log, "outbox", 1, earliest, 2)).length, 2);
    assert.equal(await log.register("outbox", 1, "late", "earliest"), latest);
    const early = await log.register("outbox", 1, "early", "latest");
    const [first] = await readAll(log, "outbox", 1, early, 2);
    await log.commit("outbox", 1, "early", first!.cursor);
    assert.deepEqual(valuesOf(await readAll(log, "outbox", 1, await log.cursor("outbox", 1, "early"), 1)), [2]);
    await log.forget("outbox", 1, "late");
    await log.forget("outbox", 1, "never there");
    assert.equal((await readAll(log, "outbox", 1, await log.register("outbox", 1, "late", "earliest"), 2)).length, 2);
  });

  test("lag() counts what is left; a rewind to a time reads again from there", async (under) => {
    await using log = await under.open();
    const router = await log.register("inbox", 1, "router", "earliest");
    const start = await log.register("outbox", 1, "reader", "earliest");
    await log.append("inbox", 1, [record("k", 1), record("k", 2)]);
    const records = await readAll(log, "inbox", 1, router, 2);
    const before = Date.now();
    await log.step(1, "router", records.at(-1)!.cursor, records);
    const [first, second] = await readAll(log, "outbox", 1, start, 2);
    assert.equal((await log.lag("outbox", 1, first!.cursor)).events, 1);
    assert.equal((await log.lag("outbox", 1, second!.cursor)).events, 0);
    await log.commit("outbox", 1, "reader", second!.cursor);
    const again = await log.move("outbox", 1, "reader", "back", await log.cursorAt("outbox", 1, before - 60_000));
    assert.deepEqual(valuesOf(await readAll(log, "outbox", 1, again, 2)), [1, 2]);
  });

  test("move() takes a reader back alone or ahead alone, and it goes on from the cursor that this gives", async (under) => {
    await using log = await under.open();
    const start = await log.register("outbox", 1, "reader", "earliest");
    await log.append("outbox", 1, [record("k", 1), record("k", 2), record("k", 3)]);
    const [, second] = await readAll(log, "outbox", 1, start, 3);
    await log.commit("outbox", 1, "reader", second!.cursor);
    const stood = await log.position("outbox", 1, "reader");
    const [first, last] = [await log.cursorAt("outbox", 1, 0), await log.cursorAt("outbox", 1, Date.now() + 60_000)];
    const left = async (cursor: Cursor) => valuesOf(await log.read("outbox", 1, cursor, LIMITS));

    assert.deepEqual(await left(await log.move("outbox", 1, "reader", "ahead", first)), [3]);
    assert.deepEqual(await left(await log.move("outbox", 1, "reader", "back", last)), [3]);
    assert.equal(await log.position("outbox", 1, "reader"), stood);

    const again = await log.move("outbox", 1, "reader", "back", first);
    const [one] = await readAll(log, "outbox", 1, again, 1);
    await log.commit("outbox", 1, "reader", one!.cursor);
    assert.deepEqual(await left(await log.cursor("outbox", 1, "reader")), [2, 3]);
    const stands = await log.position("outbox", 1, "reader");
    assert.notEqual(stands, stood);
    assert.equal(await log.position("outbox", 1, "reader", { atLeast: stood }), stood);
    assert.equal(await log.position("outbox", 1, "reader", { atLeast: first }), stands);
    assert.equal(await log.position("outbox", 1, "reader", { atMost: stood }), stands);
    assert.deepEqual(await left(await log.position("outbox", 1, "reader", { atMost: first })), [1, 2, 3]);
    assert.deepEqual(await left(await log.move("outbox", 1, "reader", "ahead", stood)), [3]);
    await assert.rejects(log.move("outbox", 1, "reader", "back", "x"), CursorError);
  });

  test("what a record has beside its event is kept, also through a step and a restart", async (under) => {
    {
      await using log = await under.open();
      const router = await log.register("inbox", 1, "router", "earliest");
      await log.append("inbox", 1, [{ ...record("k", 1), depth: 3 }, record("k", 2)]);
      const records = await readAll(log, "inbox", 1, router, 2);
      assert.deepEqual(records.map(({ depth }) => depth ?? 0), [3, 0]);
      await log.step(1, "router", records.at(-1)!.cursor, records);
    }
    await using log = await under.open();
    const records = await readAll(log, "outbox", 1, "", 2);
    assert.deepEqual(records.map(({ depth }) => depth ?? 0), [3, 0]);
  });

  test("readBack() gives what is kept from the newest on, page by page, of one project alone", async (under) => {
    await using log = await under.open();
    for (let n = 1; n <= 9; n += 3) {
      await log.append("outbox", 2, [record("other", 0)]);
      await log.append("outbox", 1, [record("k", n), record("k", n + 1), record("k", n + 2)]);
    }
    await readAll(log, "outbox", 1, "", 9);
    const seen: unknown[] = [];
    let cursor: Cursor | null = null;
    do {
      const page = await log.readBack("outbox", 1, cursor, { maxEvents: 2, maxBytes: 1 << 20 });
      seen.push(...valuesOf(page.records));
      const [first] = page.records;
      if (first !== undefined) {
        const same = await log.readBack("outbox", 1, first.cursor, { maxEvents: 1, maxBytes: 1 });
        assert.deepEqual(valuesOf(same.records), valuesOf([first]), "a record's cursor lies just behind it");
      }
      cursor = page.next;
    } while (cursor !== null);
    assert.deepEqual(seen, [9, 8, 7, 6, 5, 4, 3, 2, 1]);
    assert.deepEqual(await log.readBack("outbox", 3, null, LIMITS), { records: [], next: null });
    await assert.rejects(log.readBack("outbox", 1, "x", LIMITS), CursorError);
  });
}
