/** Proves that all of a store on SQLite comes to be in Postgres, once, and that what is there already stays. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { copyStore } from "../../../host/store/copy_store.ts";
import { openPostgresStore } from "../../../host/store/postgres_store.ts";
import { openSqliteStore } from "../../../host/store/sqlite_store.ts";
import { startPostgres } from "../../kit/servers/postgres.ts";
import { temporaryFolder } from "../../kit/temporary_folder.ts";

Deno.test("copyStore() copies every table once, frees jobs that ran, and keeps what Postgres has", async () => {
  await using postgres = await startPostgres();
  await using folder = await temporaryFolder();
  const databaseUrl = await postgres.createDatabase();
  const path = folder.file("store.db");
  const job = { kind: "plugin", pluginConfigId: 1, teamId: 1, type: "send", attempt: 1, maxAttempts: 6 } as const;
  const request = crypto.randomUUID();
  {
    await using store = await openSqliteStore({ path, synchronous: "off" });
    await store.settings.set("consumer:onEvent:1:paused", "");
    await store.settings.set("both", "of SQLite");
    for (let n = 0; n < 1100; n++) await store.storage.set(1, `key ${n}`, JSON.stringify({ n, nul: "a\0b" }));
    await store.jobs.enqueue({ ...job, payload: { n: 1 }, runAt: 10, request });
    await store.jobs.enqueue({ ...job, payload: { n: 2 }, runAt: 20 });
    await store.jobs.claim([1], 10, 1, 60_000, "this host");
    await store.deadLetters.add([{ teamId: 1, consumer: "onEvent:1", reason: "no", event: "{}" }]);
    const entry = { pluginConfigId: 1, teamId: 1, source: "CONSOLE", type: "LOG", instanceId: "x" } as const;
    await store.logs.append([{ ...entry, id: "a", at: 5, message: "with a NUL: \0" }]);
  }
  await using store = await openPostgresStore(databaseUrl);
  await store.settings.set("both", "of Postgres");
  const moved = await copyStore({ path, databaseUrl, name: "host" });
  assert.equal(moved?.plugin_storage, 1100);
  assert.equal(moved?.jobs, 2);
  assert.equal(await copyStore({ path, databaseUrl, name: "host" }), null);

  assert.equal(await store.settings.get("consumer:onEvent:1:paused"), "");
  assert.equal(await store.settings.get("both"), "of Postgres");
  assert.equal(await store.storage.get(1, "key 1099"), JSON.stringify({ n: 1099, nul: "a\0b" }));
  const claimed = await store.jobs.claim([1], 1000, 10, 60_000, "another host");
  assert.deepEqual(claimed.map(({ payload, runAt }) => [payload, runAt]), [[{ n: 1 }, 10], [{ n: 2 }, 20]]);
  assert.equal((await store.jobs.enqueue({ ...job, payload: { n: 1 }, runAt: 10, request })).id, claimed[0]?.id);
  assert.equal((await store.deadLetters.list({ limit: 10 })).results.length, 1);
  assert.equal((await store.logs.list({ pluginConfigId: 1, limit: 10 })).results[0]?.message, "with a NUL: \ufffd");
});

Deno.test("copyStore() names every table and column of the store", async () => {
  await using postgres = await startPostgres();
  await using folder = await temporaryFolder();
  const path = folder.file("store.db");
  await (await openSqliteStore({ path, synchronous: "off" }))[Symbol.asyncDispose]();
  const moved = await copyStore({ path, databaseUrl: await postgres.createDatabase(), name: "host" });
  using db = new DatabaseSync(path, { readOnly: true });
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'").all();
  assert.deepEqual(Object.keys(moved ?? {}).toSorted(), tables.map(({ name }) => String(name)).toSorted());
});
