/**
 * Proves that the Postgres store migrates once and recovers by itself from an outage without losing or doubling a job.
 * One test keeps Postgres down for 300 real milliseconds, so that calls wait for it.
 */

import assert from "node:assert/strict";
import postgres from "postgres";
import { StoreUnavailableError } from "../../../host/store/postgres/connection.ts";
import { openPostgresStore } from "../../../host/store/postgres_store.ts";
import { delay } from "../../kit/delay.ts";
import { type PrivatePostgres, startPostgres } from "../../kit/servers/postgres.ts";
import { testOperatorStore } from "./operator_suite.ts";
import { type StoreUnderTest, testStore } from "./store_suite.ts";

let server: PrivatePostgres;
Deno.test.beforeAll(async () => {
  server = await startPostgres();
});
Deno.test.afterAll(async () => await server[Symbol.asyncDispose]());

async function open(clock: { now: number }): Promise<StoreUnderTest> {
  const url = await server.createDatabase();
  const openAnother = () => openPostgresStore(url, { now: () => clock.now });
  const store = await openAnother();
  return { store, clock, openAnother, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}

testStore("postgres store", open);
testOperatorStore("postgres store", open);

Deno.test("openPostgresStore() migrates once when hosts start together", async () => {
  const url = await server.createDatabase();
  const stores = await Promise.all(Array.from({ length: 5 }, () => openPostgresStore(url)));
  await Promise.all(stores.map((store, i) => store.settings.set(`k${i}`, "1")));
  assert.equal(await stores[0]!.settings.get("k4"), "1");
  await Promise.all(stores.map((store) => store[Symbol.asyncDispose]()));
});

Deno.test("openPostgresStore() refuses a newer schema and what it may not use", async () => {
  const url = await server.createDatabase();
  await (await openPostgresStore(url))[Symbol.asyncDispose]();
  const sql = postgres(url);
  await sql`INSERT INTO hogpen.migrations VALUES (99, 0)`;
  await sql.end();
  await assert.rejects(openPostgresStore(url), {
    message:
      "Cannot use the store in Postgres: its tables have version 99, this version of Hogpen knows up to 3; start a newer Hogpen",
  });
  await assert.rejects(openPostgresStore(`${url}_missing`), { message: /does not exist/ });
  await assert.rejects(openPostgresStore("localhost:5432"), {
    message: /^Cannot connect to Postgres: expected an address/,
  });
});

Deno.test("JB-08 postgres store: calls reject in words while Postgres is away and work again by themselves", async () => {
  await using away = await startPostgres();
  await using store = await openPostgresStore(await away.createDatabase(), { waitMs: 300 });
  await store.storage.set(1, "k", "1");
  await away.kill();
  await assert.rejects(store.storage.get(1, "k"), (error) => {
    assert(error instanceof StoreUnavailableError);
    assert.match(error.message, new RegExp(`^Cannot use the store: Postgres at 127.0.0.1:${away.port}: `));
    return true;
  });
  await assert.rejects(store.storage.increment(1, "k", 1), StoreUnavailableError);
  assert.equal(await store.ping(), false);
  await away.start();
  while (!await store.ping()) await delay(50);
  assert.equal(await store.storage.increment(1, "k", 1), 2);
});

Deno.test("postgres store: calls made in an outage wait for it to end", async () => {
  await using away = await startPostgres();
  await using store = await openPostgresStore(await away.createDatabase(), { waitMs: 30_000 });
  await store.storage.set(1, "k", "1");
  await away.kill();
  const calls = Promise.all([
    store.storage.get(1, "k"),
    store.jobs.claim([1], 0, 1, 1, "a"),
    store.storage.set(1, "b", "2"),
  ]);
  await delay(300);
  await away.start();
  const [value, jobs] = await calls;
  assert.equal(value, "1");
  assert.deepEqual(jobs, []);
  assert.equal(await store.storage.get(1, "b"), "2");
});

Deno.test("postgres store: jobs that are enqueued while Postgres is killed are there once", async () => {
  await using away = await startPostgres();
  await using store = await openPostgresStore(await away.createDatabase(), { waitMs: 30_000 });
  const ids: string[] = [];
  async function enqueueMany(): Promise<void> {
    for (let i = 0; i < 40; i++) {
      const job = await store.jobs.enqueue({
        kind: "plugin",
        pluginConfigId: 1,
        teamId: 1,
        type: "sync",
        payload: null,
        runAt: 0,
        attempt: 1,
        maxAttempts: 1,
      });
      ids.push(job.id);
    }
  }
  const enqueued = Promise.all(Array.from({ length: 10 }, enqueueMany));
  while (ids.length < 50) await delay(5);
  await away.kill();
  await away.start();
  await enqueued;
  const { results } = await store.jobs.list({ limit: 1000 });
  assert.equal(results.length, 400);
  assert.deepEqual(new Set(results.map(({ id }) => id)), new Set(ids));
});

Deno.test("openPostgresStore() opens while Postgres is away and migrates when it is back", async () => {
  await using away = await startPostgres();
  const url = await away.createDatabase();
  await away.kill();
  await using store = await openPostgresStore(url, { waitMs: 30_000 });
  const [, value] = await Promise.all([away.start(), store.settings.get("k")]);
  assert.equal(value, null);
});

Deno.test("postgres store: a Postgres that hangs is as good as away", async () => {
  await using away = await startPostgres();
  await using store = await openPostgresStore(await away.createDatabase(), {
    waitMs: 100,
    answerMs: 4000,
    maxConnections: 1,
  });
  await store.storage.set(1, "k", "1");
  const sql = postgres(away.url, { max: 1 });
  const [{ pid }] = await sql<[{ pid: number }]>`SELECT pid FROM pg_stat_activity WHERE application_name = 'hogpen'`;
  await sql.end();
  Deno.kill(pid, "SIGSTOP");
  await assert.rejects(store.storage.get(1, "k"), StoreUnavailableError);
  // Only that one connection hangs; a new one is made.
  assert.equal(await store.storage.get(1, "k"), "1");
  Deno.kill(pid, "SIGCONT");
});
