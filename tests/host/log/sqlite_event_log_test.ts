/**
 * Proves that the SQLite event log keeps records, order and cursors, and deletes only what every reader has passed. The
 * retention tests wait 50 real milliseconds, ten rounds of the deletion, to see that it deletes nothing.
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { type EventLog, LogFullError, type LogRecord } from "../../../host/log/event_log.ts";
import { openSqliteEventLog } from "../../../host/log/sqlite_event_log.ts";
import { delay } from "../../kit/delay.ts";
import { temporaryFolder } from "../../kit/temporary_folder.ts";
import { LIMITS, record, testEventLog, valuesOf } from "./event_log_suite.ts";

testEventLog("SQLite", async () => {
  const folder = await temporaryFolder();
  return {
    open: () => openSqliteEventLog({ path: folder.file("log.db") }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
});

Deno.test("append() keeps records by topic and project, in order, across a restart", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("log.db");
  {
    await using log = await openSqliteEventLog({ path });
    await Promise.all([
      log.append("inbox", 1, [record("a", 1), record("b", 2)]),
      log.append("inbox", 2, [record("a", "other")]),
      log.append("inbox", 1, [record("a", 3)]),
    ]);
    assert.deepEqual(valuesOf(await log.read("inbox", 1, "", LIMITS)), [1, 2, 3]);
  }
  await using log = await openSqliteEventLog({ path });
  const records = await log.read("inbox", 1, "", LIMITS);
  assert.deepEqual(valuesOf(records), [1, 2, 3]);
  assert.deepEqual(records.map(({ key }) => key), ["a", "b", "a"]);
  assert.deepEqual(valuesOf(await log.read("inbox", 1, records[0]!.cursor, LIMITS)), [2, 3]);
  assert.deepEqual(valuesOf(await log.read("inbox", 2, "", LIMITS)), ["other"]);
  assert.deepEqual(await log.read("outbox", 1, "", LIMITS), []);
});

Deno.test("read() gives keys and events back byte for byte", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("log.db");
  const wanted: LogRecord[] = [
    { key: "", event: new Uint8Array() },
    { key: "a\0b 😀 'x'", event: new TextEncoder().encode("ä\0") },
    { key: "large", event: crypto.getRandomValues(new Uint8Array(65_536)) },
    { key: "larger than a block", event: new Uint8Array(3 << 20).fill(7) },
    { key: "after", event: new Uint8Array([0, 255]) },
  ];
  const read = async (log: EventLog) =>
    (await log.read("inbox", 1, "", { maxEvents: 10, maxBytes: 1 << 30 })).map(({ key, event }) => ({
      key,
      event: new Uint8Array(event),
    }));
  {
    await using log = await openSqliteEventLog({ path });
    await log.append("inbox", 1, wanted);
    assert.deepEqual(await read(log), wanted);
  }
  await using log = await openSqliteEventLog({ path });
  assert.deepEqual(await read(log), wanted);
});

Deno.test("read() is the same from memory and from disk, in the middle of blocks too", async () => {
  await using folder = await temporaryFolder();
  await using log = await openSqliteEventLog({ path: folder.file("log.db"), tailBytes: 60_000 });
  for (let i = 0; i < 50; i++) {
    await log.append(
      "inbox",
      i % 3,
      Array.from({ length: 10 }, (_, k) => record(`k${k}`, { i, k, pad: "x".repeat(200) })),
    );
  }
  for (const project of [0, 1, 2]) {
    const all = await log.read("inbox", project, "", { maxEvents: 10_000, maxBytes: 1 << 30 });
    assert.deepEqual(
      valuesOf(all).map((value) => (value as { i: number }).i),
      Array.from({ length: all.length }, (_, n) => Math.floor(n / 10) * 3 + project),
    );
    for (let at = 0; at < all.length; at += 7) {
      const rest = await log.read("inbox", project, all[at]!.cursor, { maxEvents: 15, maxBytes: 1 << 20 });
      assert.deepEqual(valuesOf(rest), valuesOf(all.slice(at + 1, at + 16)));
    }
  }
});

Deno.test("append() calls that wait together are durable together and keep their order", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("log.db");
  {
    await using log = await openSqliteEventLog({ path });
    await Promise.all(Array.from({ length: 500 }, (_, i) => log.append("inbox", 1, [record("k", i)])));
  }
  await using log = await openSqliteEventLog({ path });
  const records = await log.read("inbox", 1, "", LIMITS);
  assert.deepEqual(valuesOf(records), Array.from({ length: 500 }, (_, i) => i));
});

Deno.test("step() with nothing to write moves the cursor alone and wakes nobody", async () => {
  await using folder = await temporaryFolder();
  await using log = await openSqliteEventLog({ path: folder.file("log.db") });
  await log.append("inbox", 1, [record("k", 1)]);
  const [first] = await log.read("inbox", 1, "", LIMITS);
  await log.step(1, "router", first!.cursor, []);
  assert.equal(await log.cursor("inbox", 1, "router"), first!.cursor);
  assert.deepEqual(await log.read("outbox", 1, "", LIMITS), []);
});

Deno.test("register() starts at either end and keeps a cursor that is there; forget() drops it", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("log.db");
  {
    await using log = await openSqliteEventLog({ path });
    assert.equal(await log.register("outbox", 1, "early", "latest"), "");
    await log.append("outbox", 1, [record("k", 1), record("k", 2)]);
    const latest = await log.register("outbox", 1, "late", "latest");
    assert.deepEqual(await log.read("outbox", 1, latest, LIMITS), []);
    const earliest = await log.register("outbox", 1, "all", "earliest");
    assert.equal((await log.read("outbox", 1, earliest, LIMITS)).length, 2);
    assert.equal(await log.register("outbox", 1, "late", "earliest"), latest);
    assert.equal(await log.register("outbox", 1, "early", "latest"), "");
    await log.forget("outbox", 1, "late");
    await log.forget("outbox", 1, "never there");
  }
  await using log = await openSqliteEventLog({ path });
  assert.equal(await log.cursor("outbox", 1, "late"), "");
  assert.equal(await log.register("outbox", 1, "late", "earliest"), "");
  const [, second] = await log.read("outbox", 1, "", LIMITS);
  await log.commit("outbox", 1, "late", second!.cursor);
  assert.equal(await log.cursor("outbox", 1, "late"), second!.cursor);
});

Deno.test("lag() counts what is left and its age; cursorAt() finds a time", async () => {
  await using folder = await temporaryFolder();
  let now = 1_000_000;
  const path = folder.file("log.db");
  // Without memory for a tail, answers come from disk; both ways must agree.
  for (const tailBytes of [0, 1 << 20]) {
    await using log = await openSqliteEventLog({ path, tailBytes, now: () => now });
    const project = tailBytes;
    const start = now;
    assert.deepEqual(await log.lag("outbox", project, ""), { events: 0, seconds: 0 });
    assert.equal(await log.cursorAt("outbox", project, 0), "");
    await log.append("outbox", project, [record("k", 1), record("k", 2)]);
    now = start + 10_000;
    await log.append("outbox", project, [record("k", 3)]);
    now = start + 15_000;
    const [first, second, third] = await log.read("outbox", project, "", LIMITS);
    assert.deepEqual([first?.at, third?.at], [start, start + 10_000]);
    assert.deepEqual(await log.lag("outbox", project, ""), { events: 3, seconds: 15 });
    assert.deepEqual(await log.lag("outbox", project, first!.cursor), { events: 2, seconds: 15 });
    assert.deepEqual(await log.lag("outbox", project, second!.cursor), { events: 1, seconds: 5 });
    assert.deepEqual(await log.lag("outbox", project, third!.cursor), { events: 0, seconds: 0 });
    assert.equal(await log.cursorAt("outbox", project, start), "");
    assert.equal(await log.cursorAt("outbox", project, start + 1), second!.cursor);
    assert.equal(await log.cursorAt("outbox", project, start + 10_000), second!.cursor);
    assert.equal(await log.cursorAt("outbox", project, start + 10_001), third!.cursor);
  }
});

Deno.test("the log's times never go back when the clock does", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("log.db");
  let now = 5000;
  {
    await using log = await openSqliteEventLog({ path, now: () => now });
    await log.append("inbox", 1, [record("k", 1)]);
    now = 3000;
    await log.append("inbox", 1, [record("k", 2)]);
  }
  await using log = await openSqliteEventLog({ path, now: () => now });
  await log.append("inbox", 1, [record("k", 3)]);
  assert.deepEqual((await log.read("inbox", 1, "", LIMITS)).map(({ at }) => at), [5000, 5000, 5000]);
});

Deno.test("retention deletes by age what every reader has passed, and cursors stay valid", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("log.db");
  let now = 0;
  const options = { path, now: () => now, retentionMs: 1000, trimEveryMs: 5 };
  const kept = async (log: EventLog) => valuesOf(await log.read("outbox", 1, "", LIMITS));
  {
    await using log = await openSqliteEventLog(options);
    await log.register("outbox", 1, "slow", "earliest");
    await log.register("outbox", 1, "quick", "earliest");
    await log.append("outbox", 1, [record("k", 1)]);
    await log.append("outbox", 1, [record("k", 2)]);
    const [first, second] = await log.read("outbox", 1, "", LIMITS);
    await log.commit("outbox", 1, "quick", second!.cursor);
    now = 2000;
    await delay(50);
    assert.deepEqual(await kept(log), [1, 2]);
    await log.commit("outbox", 1, "slow", first!.cursor);
    while ((await kept(log)).length !== 1) await delay(5);
    assert.deepEqual(await kept(log), [2]);
    await log.forget("outbox", 1, "slow");
    while ((await kept(log)).length !== 0) await delay(5);
    assert.deepEqual(await log.lag("outbox", 1, ""), { events: 0, seconds: 0 });
  }
  // Numbers go on where they were, although nothing is left to tell them from.
  await using log = await openSqliteEventLog(options);
  const cursor = await log.cursor("outbox", 1, "quick");
  await log.append("outbox", 1, [record("k", 3)]);
  assert.deepEqual(valuesOf(await log.read("outbox", 1, cursor, LIMITS)), [3]);
  assert.deepEqual(await log.lag("outbox", 1, ""), { events: 1, seconds: 0 });
});

Deno.test("retention deletes of the inbox what the router has passed, and nothing before there is one", async () => {
  await using folder = await temporaryFolder();
  await using log = await openSqliteEventLog({ path: folder.file("log.db"), trimEveryMs: 5 });
  await log.append("inbox", 1, [record("k", 1)]);
  await log.append("inbox", 1, [record("k", 2)]);
  await delay(50);
  const [first] = await log.read("inbox", 1, "", LIMITS);
  assert.deepEqual(JSON.parse(new TextDecoder().decode(first!.event)), 1);
  await log.step(1, "router", first!.cursor, [record("k", "one")]);
  while ((await log.read("inbox", 1, "", LIMITS)).length !== 1) await delay(5);
  assert.deepEqual(valuesOf(await log.read("inbox", 1, "", LIMITS)), [2]);
  await delay(50);
  assert.deepEqual(valuesOf(await log.read("outbox", 1, "", LIMITS)), ["one"]);
});

Deno.test("retention deletes the oldest while the log is larger than its size", async () => {
  await using folder = await temporaryFolder();
  await using log = await openSqliteEventLog({ path: folder.file("log.db"), retentionBytes: 2 << 20, trimEveryMs: 5 });
  for (let i = 0; i < 40; i++) await log.append("outbox", i % 2, [record("k", { i, pad: "x".repeat(100_000) })]);
  const first = async (project: number) =>
    (valuesOf(await log.read("outbox", project, "", LIMITS))[0] as { i: number }).i;
  while (await first(0) < 20 || await first(1) < 20) await delay(5);
  await delay(50);
  assert(await first(0) < 30 && await first(1) < 30);
});

Deno.test("append() is refused at the bound on disk, step() is not, and room comes when readers pass", async () => {
  await using folder = await temporaryFolder();
  await using log = await openSqliteEventLog({
    path: folder.file("log.db"),
    maxBytes: 3 << 20,
    retentionBytes: 1 << 20,
    trimEveryMs: 5,
  });
  await log.register("inbox", 1, "router", "earliest");
  const large = () => [record("k", "x".repeat(200_000))];
  await assert.rejects(async () => {
    for (let i = 0; i < 100; i++) await log.append("inbox", 1, large());
  }, LogFullError);
  const waiting = await log.read("inbox", 1, "", { maxEvents: 1000, maxBytes: 1 << 30 });
  assert(waiting.length >= 10, `${waiting.length} records fit`);
  await log.step(1, "router", waiting.at(-1)!.cursor, large());
  for (;;) {
    const refused = await log.append("inbox", 1, large()).then(() => null, (error) => error);
    if (refused === null) break;
    assert(refused instanceof LogFullError);
    await delay(5);
  }
});

Deno.test("append() goes on at the bound while readers keep up, whatever is to be kept", async () => {
  await using folder = await temporaryFolder();
  await using log = await openSqliteEventLog({
    path: folder.file("log.db"),
    maxBytes: 4 << 20,
    retentionBytes: 1 << 30,
  });
  await log.register("inbox", 1, "router", "earliest");
  for (let i = 0; i < 60; i++) {
    for (;;) {
      const refused = await log.append("inbox", 1, [record("k", "x".repeat(200_000))]).then(
        () => null,
        (error) => error,
      );
      if (refused === null) break;
      assert(refused instanceof LogFullError);
      await delay(20);
    }
    const [next] = await log.read("inbox", 1, await log.cursor("inbox", 1, "router"), LIMITS);
    await log.commit("inbox", 1, "router", next!.cursor);
  }
});

Deno.test("a log in use, of a newer version, torn or damaged is refused in words", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("log.db");
  {
    await using log = await openSqliteEventLog({ path });
    await log.append("inbox", 3, Array.from({ length: 200 }, (_, i) => record("k", { i, pad: "x".repeat(5000) })));
    await assert.rejects(openSqliteEventLog({ path }), {
      message:
        `Cannot open the event log at ${path}: another process has it open; stop that one, or set another data folder`,
    });
  }
  const whole = await Deno.readFile(path);

  const torn = folder.file("torn.db");
  await Deno.writeFile(torn, whole.subarray(0, whole.length >> 1));
  await assert.rejects(openSqliteEventLog({ path: torn }), {
    message: /^Cannot open the event log at .*(?:damaged|malformed)/,
  });

  const damaged = folder.file("damaged.db");
  await Deno.writeFile(damaged, whole.map((byte, at) => at > 16_384 && at < 60_000 ? 0xaa : byte));
  await assert.rejects(openSqliteEventLog({ path: damaged }), {
    message: /^Cannot open the event log at .*(?:damaged|malformed)/,
  });

  const shorter = folder.file("shorter.db");
  await Deno.writeFile(shorter, whole);
  using database = new DatabaseSync(shorter);
  database.exec("DELETE FROM blocks WHERE last = 200");
  database.close();
  await assert.rejects(openSqliteEventLog({ path: shorter }), {
    message: /: project 3's inbox should end at record 200, it ends at 1\d\d$/,
  });

  const newer = folder.file("newer.db");
  await Deno.writeFile(newer, whole);
  using other = new DatabaseSync(newer);
  other.exec("PRAGMA user_version = 9");
  await assert.rejects(openSqliteEventLog({ path: newer }), {
    message:
      `Cannot open the event log at ${newer}: it has schema version 9, this version of Hogpen knows up to 2; start a newer Hogpen`,
  });
});

Deno.test("what was appended before the end is kept, what comes after is refused, who waits is told", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("log.db");
  const log = await openSqliteEventLog({ path });
  const appended = log.append("inbox", 1, [record("k", 1)]);
  const waiting = assert.rejects(log.waitForRecords("outbox", 1, "", new AbortController().signal), /it is closed/);
  await log[Symbol.asyncDispose]();
  await log[Symbol.asyncDispose]();
  await appended;
  await waiting;
  await assert.rejects(log.append("inbox", 1, [record("k", 2)]), /it is closed/);
  await using again = await openSqliteEventLog({ path });
  assert.deepEqual(valuesOf(await again.read("inbox", 1, "", LIMITS)), [1]);
});

Deno.test("a file cut in the middle of its journal keeps what was acknowledged before", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("log.db");
  const copy = folder.file("copy.db");
  await using log = await openSqliteEventLog({ path });
  for (let i = 0; i < 20; i++) await log.append("inbox", 1, [record("k", i)]);
  // What a crash leaves: the files as they are, the last page of the journal half written.
  await Deno.copyFile(path, copy);
  const journal = await Deno.readFile(`${path}-wal`);
  await Deno.writeFile(`${copy}-wal`, journal.subarray(0, journal.length - 5000));
  await using crashed = await openSqliteEventLog({ path: copy });
  const values = valuesOf(await crashed.read("inbox", 1, "", LIMITS)) as number[];
  assert.deepEqual(values, Array.from({ length: values.length }, (_, i) => i));
  assert(values.length >= 18, `${values.length} of 20 are left`);
  await crashed.append("inbox", 1, [record("k", "next")]);
});
