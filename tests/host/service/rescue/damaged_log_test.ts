/**
 * Proves what becomes of an event log that was damaged in a dozen ways: the host starts on what can be read, no event
 * is there in another form than it was given, what is missing is counted, and the damaged file is kept as it was.
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { EventLog } from "../../../../host/log/event_log.ts";
import { createLogDatabase, LOG_FORMAT } from "../../../../host/log/log_database.ts";
import { openSqliteEventLog } from "../../../../host/log/sqlite_event_log.ts";
import { exists } from "../../../../host/exists.ts";
import { openLogOrRescue } from "../../../../host/service/upkeep/rescue/open_or_rescue.ts";
import { temporaryFolder } from "../../../kit/temporary_folder.ts";

const PAGE = 16384;
const EVENTS = 600;
const ALL = { maxEvents: 100_000, maxBytes: 1 << 30 };

function eventOf(project: number, number: number): string {
  return JSON.stringify({ project, number, pad: "x".repeat(number * 37 % 4000) });
}

/** Two projects with events in blocks of five, of which the router of the first has passed 100. */
async function fill(path: string): Promise<void> {
  await using log = await openSqliteEventLog({ path, synchronous: "off" });
  await write(log);
}

async function write(log: EventLog): Promise<void> {
  for (let number = 1; number <= EVENTS; number += 5) {
    await Promise.all([1, 2].map((project) =>
      log.append(
        "inbox",
        project,
        Array.from({ length: 5 }, (_, index) => ({
          key: "me",
          event: new TextEncoder().encode(eventOf(project, number + index)),
        })),
      )
    ));
    if (number === 101) await log.commit("inbox", 1, "router", "100");
    if (number === 1) await log.commit("inbox", 2, "router", "");
  }
}

/** The files as a kill leaves them when nothing has been moved from the write-ahead log yet. */
async function fillJournal(path: string): Promise<void> {
  await using folder = await temporaryFolder();
  const live = folder.file("events.db");
  await using log = await openSqliteEventLog({ path: live, synchronous: "off" });
  await write(log);
  await Deno.copyFile(live, path);
  await Deno.copyFile(`${live}-wal`, `${path}-wal`);
}

/** The files as a kill leaves them: with everything in the write-ahead log that no checkpoint has moved. */
async function fillAndKill(path: string): Promise<void> {
  await using folder = await temporaryFolder();
  const live = folder.file("events.db");
  await fill(live);
  await using log = await openSqliteEventLog({ path: live, synchronous: "off" });
  await log.append("inbox", 1, [{ key: "me", event: new TextEncoder().encode(eventOf(1, EVENTS + 1)) }]);
  await Deno.copyFile(live, path);
  await Deno.copyFile(`${live}-wal`, `${path}-wal`);
}

function overwrite(path: string, at: number, bytes: Uint8Array): void {
  using file = Deno.openSync(path, { write: true });
  file.seekSync(at, Deno.SeekMode.Start);
  file.writeSync(bytes);
}

function flip(path: string, at: number): void {
  const bytes = Deno.readFileSync(path);
  overwrite(path, at, Uint8Array.of(bytes[at]! ^ 0xff));
}

function flipBit(path: string, at: number): void {
  const bytes = Deno.readFileSync(path);
  overwrite(path, at, Uint8Array.of(bytes[at]! ^ 1));
}

const sizeOf = (path: string) => Deno.statSync(path).size;
const pagesOf = (path: string) => Math.floor(sizeOf(path) / PAGE);
const garbage = () => crypto.getRandomValues(new Uint8Array(PAGE));

/** Where a text lies in a file for the nth time. */
function find(path: string, text: string, nth = 0): number {
  const bytes = Buffer.from(Deno.readFileSync(path));
  let at = bytes.indexOf(text);
  for (; nth > 0; nth--) at = bytes.indexOf(text, at + 1);
  assert.notEqual(at, -1, `${path} has no ${text}`);
  return at;
}

const FRAME = 24 + PAGE;
const framesOf = (path: string) => Math.floor((sizeOf(`${path}-wal`) - 32) / FRAME);
/** Where a frame of the write-ahead log begins. */
const frameAt = (frame: number) => 32 + frame * FRAME;

interface Damage {
  name: string;
  /** With everything in the write-ahead log. */
  isJournal?: boolean;
  /** With events in the write-ahead log. */
  isKilled?: boolean;
  /** May add events before; then it says how many. */
  damage(path: string): void | Promise<void> | Promise<number>;
  /** How many events are lost at most; the rest must be there. */
  mostLost: number;
  /** Just as many are lost, and it is said. */
  isExact?: boolean;
}

const DAMAGES: Damage[] = [
  {
    name: "a flipped bit in an event that leaves it valid JSON",
    damage: (path) => flipBit(path, find(path, '"number":333,"pad":"x') + 20),
    mostLost: 1,
    isExact: true,
  },
  {
    name: "a flipped bit in the number of an event, and one in the distinct_id of another",
    damage(path) {
      flipBit(path, find(path, '"number":100,') + 10);
      flipBit(path, find(path, 'me{"project":1,"number":2,'));
    },
    mostLost: 2,
    isExact: true,
  },
  {
    name: "a flipped bit in an event in the write-ahead log",
    isJournal: true,
    damage: (path) => flipBit(`${path}-wal`, find(`${path}-wal`, '"number":333,"pad":"x') + 20),
    mostLost: 1,
  },
  {
    name: "a flipped bit in the page number of a frame of the write-ahead log",
    isJournal: true,
    damage: (path) => flipBit(`${path}-wal`, frameAt(framesOf(path) >> 1)),
    mostLost: 40,
  },
  {
    name: "a flipped bit in the salt of a frame of the write-ahead log",
    isJournal: true,
    damage: (path) => flipBit(`${path}-wal`, frameAt(framesOf(path) >> 1) + 8),
    mostLost: 0,
  },
  {
    name: "a flipped bit in the checksum of the last frame of the write-ahead log",
    isJournal: true,
    damage: (path) => flipBit(`${path}-wal`, frameAt(framesOf(path) - 1) + 16),
    mostLost: 0,
  },
  {
    name: "a flipped bit in the header of the write-ahead log",
    isJournal: true,
    damage: (path) => flipBit(`${path}-wal`, 17),
    mostLost: 0,
  },
  { name: "a flipped bit in the header", damage: (path) => flip(path, 3), mostLost: 0 },
  { name: "a first page of garbage", damage: (path) => overwrite(path, 0, garbage()), mostLost: 0 },
  {
    name: "a page of zeros in the middle",
    damage: (path) => overwrite(path, 30 * PAGE, new Uint8Array(PAGE)),
    mostLost: 40,
  },
  { name: "a page of garbage in the middle", damage: (path) => overwrite(path, 50 * PAGE, garbage()), mostLost: 40 },
  {
    name: "every tenth page of garbage",
    damage(path) {
      for (let page = 10; page < pagesOf(path); page += 10) overwrite(path, page * PAGE, garbage());
    },
    mostLost: EVENTS,
  },
  {
    name: "the second half cut off",
    damage: (path) => Deno.truncateSync(path, (pagesOf(path) >> 1) * PAGE),
    mostLost: EVENTS * 1.5,
  },
  { name: "a part of a page cut off", damage: (path) => Deno.truncateSync(path, sizeOf(path) - 5000), mostLost: 40 },
  { name: "an index of garbage", damage: (path) => overwrite(path, 5 * PAGE, garbage()), mostLost: EVENTS * 2 },
  { name: "no bytes", damage: (path) => Deno.truncateSync(path, 0), mostLost: Infinity },
  { name: "zeros alone", damage: (path) => Deno.writeFileSync(path, new Uint8Array(sizeOf(path))), mostLost: Infinity },
  {
    name: "the write-ahead log of an hour ago",
    async damage(path) {
      const append = (log: EventLog, number: number) =>
        log.append("inbox", 1, [{ key: "me", event: new TextEncoder().encode(eventOf(1, number)) }]);
      await using log = await openSqliteEventLog({ path, synchronous: "off" });
      await append(log, EVENTS + 1);
      await Deno.copyFile(`${path}-wal`, `${path}.stale`);
      for (let number = EVENTS + 2; number <= EVENTS + 300; number++) await append(log, number);
      await log[Symbol.asyncDispose]();
      await Deno.rename(`${path}.stale`, `${path}-wal`);
      return 300;
    },
    mostLost: 0,
  },
  {
    name: "a first page of garbage, and a kill",
    isKilled: true,
    damage: (path) => overwrite(path, 0, garbage()),
    mostLost: 0,
  },
];

/** Every event of a project, checked to be one that was given, in its order. */
async function numbersIn(log: EventLog, project: number): Promise<number[]> {
  const records = await log.read("inbox", project, "", ALL);
  return records.map(({ event }) => {
    const text = new TextDecoder().decode(event);
    const { number } = JSON.parse(text) as { number: number };
    assert.equal(text, eventOf(project, number));
    return number;
  });
}

for (const { name, isKilled, isJournal, damage, mostLost, isExact } of DAMAGES) {
  Deno.test(`an event log with ${name} is opened with what can be read`, async () => {
    await using folder = await temporaryFolder();
    const path = folder.file("events.db");
    await (isKilled ? fillAndKill : isJournal ? fillJournal : fill)(path);
    const added = await damage(path) ?? 0;
    const damaged = await Deno.readFile(path);

    const said: string[] = [];
    const open = () => openSqliteEventLog({ path, synchronous: "off" });
    await using log = await openLogOrRescue(path, { error: (line) => said.push(line) }, open);
    const numbers = [await numbersIn(log, 1), await numbersIn(log, 2)];
    for (const each of numbers) assert.deepEqual(each, each.toSorted((a, b) => a - b));
    const kept = numbers.flat().length;
    const total = 2 * EVENTS + added + (isKilled ? 1 : 0);
    assert(total - kept <= mostLost, `${total - kept} lost: ${said.join("\n")}`);
    if (isExact) assert.equal(total - kept, mostLost);
    if (isExact || isJournal) assert.equal(said.length, 1, "it is said");

    if (said.length === 0) {
      assert.equal(kept, total, "nothing is lost in silence");
    } else {
      const [, aside = ""] = /The damaged files are in (.*)$/.exec(said[0] ?? "") ?? [];
      assert.deepEqual(await Deno.readFile(`${aside}/events.db`), damaged, "the damaged file is kept as it was");
      const [, saidKept, saidLost] = /(\d+) events kept, (\d+) lost/.exec(said[0] ?? "") ?? [];
      assert.equal(Number(saidKept), kept);
      const isPlaceKnown = said.length === 1;
      if (isPlaceKnown && kept > 0) assert.equal(Number(saidLost), total - kept, said.join("\n"));
    }
    await log.append("inbox", 1, [{ key: "me", event: new TextEncoder().encode(eventOf(1, 10_000)) }]);
    assert.equal((await numbersIn(log, 1)).at(-1), 10_000);
  });
}

Deno.test("damage in a log too large to be checked at each start is said when it is read, and mended by the next", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("events.db");
  await fill(path);
  overwrite(path, 30 * PAGE, garbage());
  const open = () => {
    const log = createLogDatabase({ ...LOG_FORMAT, fullCheckBytes: 0 });
    const { parts } = log.open(path, "off");
    return Promise.resolve({ log, parts });
  };

  const said: string[] = [];
  const notices = { error: (line: string) => said.push(line) };
  const { log, parts } = await openLogOrRescue(path, notices, open);
  assert.deepEqual(said, [], "nobody has looked at the page yet");
  const read = () => parts.map(({ id }) => log.read(id, 0, Infinity));
  for (let times = 0; times < 2; times++) {
    assert.throws(read, { name: "DamagedDatabaseError", message: /Start the service again/ });
  }
  log.close();

  (await openLogOrRescue(path, notices, open)).log.close();
  assert.match(said.join("\n"), /kept, \d+ lost/);
  assert(!await exists(`${path}-suspect`), "the file is whole, and later starts are quick again");
  await using mended = await openSqliteEventLog({ path, synchronous: "off" });
  const kept = (await numbersIn(mended, 1)).length + (await numbersIn(mended, 2)).length;
  assert(kept > 2 * EVENTS - 40, `${kept} are left`);
});
