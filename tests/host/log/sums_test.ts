/**
 * Proves that a record which is not what was written is left out and told of while the log is in use, and that a log of
 * the first version, which had no checksums, is opened and read.
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { DatabaseSync } from "node:sqlite";
import { openSqliteEventLog, type SqliteEventLogOptions } from "../../../host/log/sqlite_event_log.ts";
import { runCommand } from "../../kit/run_command.ts";
import { temporaryFolder } from "../../kit/temporary_folder.ts";

const LIMITS = { maxEvents: 1000, maxBytes: 1 << 20 };

const recordOf = (text: string) => ({ key: "me", event: new TextEncoder().encode(JSON.stringify({ text })) });

async function readAll(options: SqliteEventLogOptions): Promise<string[]> {
  await using log = await openSqliteEventLog(options);
  return (await log.read("outbox", 1, "", LIMITS)).map(({ event }) => JSON.parse(new TextDecoder().decode(event)).text);
}

async function flipIn(path: string, text: string): Promise<void> {
  const bytes = await Deno.readFile(path);
  const at = Buffer.from(bytes).indexOf(text);
  assert.notEqual(at, -1);
  bytes[at]! ^= 1;
  await Deno.writeFile(path, bytes);
}

/** By SQLite itself: what a log in use has read of its file lately is not read again. */
function changeBlocks(path: string, ...texts: string[]): void {
  using db = new DatabaseSync(path);
  for (const { id, data } of db.prepare("SELECT id, data FROM blocks").all()) {
    assert(data instanceof Uint8Array);
    for (const at of texts.map((text) => Buffer.from(data).indexOf(text)).filter((at) => at !== -1)) data[at]! ^= 1;
    db.prepare("UPDATE blocks SET data = ? WHERE id = ?").run(data, Number(id));
  }
}

Deno.test("records that change on disk while the log is in use are left out and told of once, those around them are read", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("events.db");
  {
    await using log = await openSqliteEventLog({ path });
    await log.append("outbox", 1, ["first", "second", "third"].map(recordOf));
    await log.append("outbox", 1, [recordOf("fourth")]);
    await log.append("outbox", 1, [recordOf("fifth")]);
  }
  const said: string[] = [];
  await using log = await openSqliteEventLog({ path, onDamage: (message) => said.push(message) });
  changeBlocks(path, "second", "fourth");
  const texts = async (after = "") =>
    (await log.read("outbox", 1, after, LIMITS)).map(({ cursor, event }) =>
      `${cursor} ${new TextDecoder().decode(event)}`
    );
  const expected = ['1 {"text":"first"}', '3 {"text":"third"}', '5 {"text":"fifth"}'];
  assert.deepEqual(await texts(), expected);
  assert.deepEqual(await texts(), expected);
  // Nothing before the end of what is read at once is whole.
  assert.deepEqual((await log.read("outbox", 1, "3", { maxEvents: 1, maxBytes: 1 })).map(({ cursor }) => cursor), [
    "5",
  ]);
  const back = await log.readBack("outbox", 1, null, LIMITS);
  assert.deepEqual(back.records.map(({ cursor }) => cursor), ["5", "3", "1"]);
  assert.deepEqual(
    said,
    [2, 4].map((number) =>
      `The event log is damaged: record ${number} of project 1's outbox is not what was written, and is left out`
    ),
  );
  assert.equal(log.size()?.damaged, 2);
});

Deno.test("doctor finds records that are not what was written", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("events.db");
  {
    await using log = await openSqliteEventLog({ path });
    await log.append("outbox", 1, ["first", "second"].map(recordOf));
  }
  await flipIn(path, "second");
  const { code, out } = await runCommand(["doctor", "--data", folder.path]);
  assert.equal(code, 1, out);
  assert.match(out, /^wrong event log .*: one record is not what was written; the next start keeps what can be read/m);
});

Deno.test("a log of the first version is opened, and what is written into it has checksums from then on", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("events.db");
  {
    await using log = await openSqliteEventLog({ path });
    await log.append("outbox", 1, [recordOf("written before")]);
  }
  {
    // As the first version made it.
    using made = new DatabaseSync(path);
    made.exec("ALTER TABLE blocks DROP COLUMN sums; PRAGMA user_version = 1");
  }
  {
    await using log = await openSqliteEventLog({ path });
    await log.append("outbox", 1, [recordOf("written since")]);
  }
  assert.deepEqual(await readAll({ path }), ["written before", "written since"]);
  await flipIn(path, "written since");
  await assert.rejects(readAll({ path }), /one record is not what was written/);
});
