/**
 * Proves that moving a log, however often it breaks off on the way, brings along what is not done yet: in order, for
 * each consumer from where it was, and at most one batch for a second time with each break.
 */

import assert from "node:assert/strict";
import type { EventLog, LogRecord } from "../../../../host/log/event_log.ts";
import { leftIn, type Moved, moveInboxes, moveOutboxes } from "../../../../host/log/moving/move_log.ts";
import { unmovedIn } from "../../../../host/log/moving/unmoved.ts";
import { openSqliteEventLog, type SqliteLog } from "../../../../host/log/sqlite_event_log.ts";
import { temporaryFolder } from "../../../kit/temporary_folder.ts";
import { record, valuesOf } from "../event_log_suite.ts";

const ROUTER = "router";
const ALL = { maxEvents: Infinity, maxBytes: Infinity };

function records(from: number, to: number): LogRecord[] {
  return Array.from({ length: to - from + 1 }, (_, index) => record(`person ${index % 7}`, from + index));
}

/** Numbers 1 to `last`; consumers that have delivered as many as they are given. */
async function fill(log: SqliteLog, last: number, consumers: Record<string, number>): Promise<void> {
  await log.register("inbox", 1, ROUTER, "earliest");
  for (const reader of Object.keys(consumers)) await log.register("outbox", 1, reader, "earliest");
  await log.append("inbox", 1, records(1, last + 1500));
  await log.step(1, ROUTER, String(last), records(1, last));
  for (const [reader, offset] of Object.entries(consumers)) await log.commit("outbox", 1, reader, String(offset));
}

async function move(from: SqliteLog, to: Pick<EventLog, "append" | "register">): Promise<Moved> {
  const moved = { inbox: 0, outbox: 0, consumers: 0 };
  const options = { from, to, router: ROUTER, moved, signal: new AbortController().signal };
  await moveOutboxes(options);
  await moveInboxes(options);
  return moved;
}

/** The log, which breaks off before the call of this number, or after it has been carried out. */
function breakingOff(to: EventLog, at: number, when: "before" | "after"): Pick<EventLog, "append" | "register"> {
  let calls = 0;
  async function guard<T>(action: () => Promise<T>): Promise<T> {
    const isLast = ++calls === at;
    if (isLast && when === "before") throw new Error("broken off");
    const result = await action();
    if (isLast) throw new Error("broken off");
    return result;
  }
  return {
    append: (...args) => guard(() => to.append(...args)),
    register: (...args) => guard(() => to.register(...args)),
  };
}

const CONSUMERS = { slow: 100, middle: 1300, quick: 2500, alsoQuick: 2500 };

Deno.test("each consumer goes on where it was, and the old log has nothing left", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("from.db");
  await using to = await openSqliteEventLog({ path: folder.file("to.db"), synchronous: "off" });
  {
    await using from = await openSqliteEventLog({ path, synchronous: "off" });
    await fill(from, 2500, CONSUMERS);
    assert.deepEqual(leftIn(from.contents(), ROUTER), { inbox: 1500, outbox: 2400 });
    assert.deepEqual(await move(from, to), { inbox: 1500, outbox: 2400, consumers: 4 });
    assert.deepEqual(leftIn(from.contents(), ROUTER), { inbox: 0, outbox: 0 });
  }
  assert.deepEqual(await unmovedIn(path, ROUTER), { inbox: 0, outbox: 0 });
  for (const [reader, offset] of Object.entries(CONSUMERS)) {
    const values = valuesOf(await to.read("outbox", 1, await to.cursor("outbox", 1, reader), ALL));
    assert.deepEqual(values, numbers(offset + 1, 2500), reader);
  }
  assert.deepEqual(valuesOf(await to.read("inbox", 1, "", ALL)), numbers(2501, 4000));
});

for (const when of ["before", "after"] as const) {
  Deno.test(`a move that breaks off ${when} any of its calls goes on, and repeats one batch at most`, async () => {
    await using folder = await temporaryFolder();
    let broken = 0;
    for (let at = 1;; at++) {
      await using from = await openSqliteEventLog({ path: folder.file(`${at}.from.db`), synchronous: "off" });
      await using to = await openSqliteEventLog({ path: folder.file(`${at}.to.db`), synchronous: "off" });
      await fill(from, 2500, CONSUMERS);
      const isWhole = await move(from, breakingOff(to, at, when)).then(() => true, () => false);
      if (isWhole) break;
      broken++;
      await move(from, to);
      for (const [reader, offset] of Object.entries(CONSUMERS)) {
        const values = valuesOf(await to.read("outbox", 1, await to.cursor("outbox", 1, reader), ALL));
        assert.deepEqual([...new Set(values)], numbers(offset + 1, 2500), `${reader}, broken off at ${at}`);
        assert(values.length <= 2500 - offset + 1000, `${reader} gets ${values.length}`);
      }
      const inbox = valuesOf(await to.read("inbox", 1, "", ALL));
      assert.deepEqual([...new Set(inbox)], numbers(2501, 4000));
      assert(inbox.length <= 2500);
    }
    assert(broken >= 8, `it was broken off at ${broken} places`);
  });
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
