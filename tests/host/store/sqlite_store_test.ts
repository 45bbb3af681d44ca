/** Proves that the SQLite store isolates failed calls, and refuses files that it cannot use. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { openSqliteStore } from "../../../host/store/sqlite_store.ts";
import { temporaryFolder } from "../../kit/temporary_folder.ts";
import { testOperatorStore } from "./operator_suite.ts";
import { type StoreUnderTest, testStore } from "./store_suite.ts";

async function open(clock: { now: number }): Promise<StoreUnderTest> {
  const folder = await temporaryFolder();
  const openAnother = () => openSqliteStore({ path: folder.file("store.db"), now: () => clock.now });
  const store = await openAnother();
  return {
    store,
    clock,
    openAnother,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

testStore("sqlite store", open);
testOperatorStore("sqlite store", open);

Deno.test("sqlite store: a call that fails leaves the others of its transaction alone", async () => {
  await using folder = await temporaryFolder();
  await using store = await openSqliteStore({ path: folder.file("store.db") });
  await store.storage.set(1, "text", '"x"');
  const settled = await Promise.allSettled([
    store.storage.set(1, "a", "1"),
    store.storage.increment(1, "text", 1),
    store.storage.set(1, "b", "2"),
  ]);
  assert.deepEqual(settled.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  assert.deepEqual(await store.storage.all(1), { a: "1", b: "2", text: '"x"' });
});

Deno.test("openSqliteStore() refuses a newer schema, another program's file and a damaged one", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("store.db");
  await (await openSqliteStore({ path }))[Symbol.asyncDispose]();
  using db = new DatabaseSync(path);
  db.exec("PRAGMA user_version = 99");
  await assert.rejects(openSqliteStore({ path }), {
    message:
      `Cannot open the store at ${path}: it has schema version 99, this version of Hogpen knows up to 3; start a newer Hogpen`,
  });

  const foreign = folder.file("foreign.db");
  using other = new DatabaseSync(foreign);
  other.exec("CREATE TABLE t (a)");
  await assert.rejects(openSqliteStore({ path: foreign }), {
    message: `Cannot open the store at ${foreign}: the file is another program's or another kind of database`,
  });

  const damaged = folder.file("damaged.db");
  await Deno.writeTextFile(damaged, "not a database at all, but longer than a header ".repeat(200));
  await assert.rejects(openSqliteStore({ path: damaged }), {
    message: /^Cannot open the store at .*file is not a database/,
  });
  await assert.rejects(openSqliteStore({ path: folder.file("none/store.db") }), {
    message: /^Cannot open the store at/,
  });
});

Deno.test("sqlite store: calls after the end are refused", async () => {
  await using folder = await temporaryFolder();
  const store = await openSqliteStore({ path: folder.file("store.db") });
  await store[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
  await assert.rejects(store.settings.get("k"), { message: "Cannot use the store: it is closed" });
  assert.equal(await store.ping(), false);
});
