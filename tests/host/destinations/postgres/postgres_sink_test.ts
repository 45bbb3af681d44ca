/**
 * Proves that the Postgres destination writes each event once to a real database, and rejects only events that cannot
 * be a row.
 */

import assert from "node:assert/strict";
import postgres from "postgres";
import { TryLaterError } from "../../../../host/consumers/sink.ts";
import { postgresOptions } from "../../../../host/destinations/postgres/postgres_options.ts";
import { PostgresSink } from "../../../../host/destinations/postgres/postgres_sink.ts";
import { delay } from "../../../kit/delay.ts";
import { startPostgres } from "../../../kit/servers/postgres.ts";
import { manyRecords, storedRecords, storedText } from "../../../kit/stored_records.ts";

const signal = new AbortController().signal;

/** A sink and a connection of the test's own to the same new database. */
async function setUp(server: Awaited<ReturnType<typeof startPostgres>>, options: Record<string, unknown> = {}) {
  const url = await server.createDatabase();
  const sink = new PostgresSink(postgresOptions.parse({ url, ...options }));
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  return {
    url,
    sink,
    sql,
    async [Symbol.asyncDispose]() {
      await sink[Symbol.asyncDispose]();
      await sql.end({ timeout: 0 });
    },
  };
}

// `postgres` lets the timer of a connection run on that is ended while it is being made, so its end is not waited for
// here.
Deno.test("PostgresSink", { sanitizeOps: false, sanitizeResources: false }, async (t) => {
  await using server = await startPostgres();

  await t.step("creates the table, with indexes and comments, and fills its columns", async () => {
    await using test = await setUp(server);
    const [record] = storedRecords([{
      properties: { plan: "pro", nested: { a: [1, null, "x"] } },
      $set: { email: "a@example.com" },
      $set_once: { first: true },
      offset: 20,
      sent_at: "2026-03-01T12:00:04.000Z",
      library: "posthog-node",
    }]);
    assert.ok(record);
    assert.deepEqual(await test.sink.deliver([record], signal), []);
    const [row] = await test.sql`select * from events`;
    assert.ok(row);
    const { inserted_at, timestamp, received_at, ...rest } = row;
    assert.equal(timestamp.toISOString(), "2026-03-01T12:00:00.000Z");
    assert.equal(received_at.toISOString(), "2026-03-01T12:00:05.000Z");
    assert.ok(inserted_at instanceof Date);
    assert.deepEqual(rest, {
      uuid: "01890000-0000-7000-8000-000000000000",
      team_id: "1",
      event: "test event",
      distinct_id: "user",
      properties: { plan: "pro", nested: { a: [1, null, "x"] } },
      set: { email: "a@example.com" },
      set_once: { first: true },
      ip: "203.0.113.7",
      extra: { library: "posthog-node" },
    });
    const indexes = await test.sql`select indexname from pg_indexes where tablename = 'events' order by indexname`;
    assert.deepEqual(indexes.map(({ indexname }) => indexname), [
      "events_pkey",
      "events_team_id_distinct_id_timestamp_idx",
      "events_team_id_event_timestamp_idx",
      "events_team_id_timestamp_idx",
    ]);
    const [{ count } = {}] = await test
      .sql`select count(*)::int from information_schema.columns c where table_name = 'events'
        and col_description('events'::regclass, ordinal_position) is null`;
    assert.equal(count, 0);
  });

  await t.step("fills set and set_once from the properties, from beside them and from both", async () => {
    await using test = await setUp(server);
    await test.sink.deliver(
      storedRecords([
        { properties: { $set: { a: 1 }, $set_once: { b: 1 } } },
        { $set: { a: 2 } },
        { properties: { $set: { a: 1, c: 1 } }, $set: { a: 2 }, $set_once: { b: 2 } },
        { properties: { $set: "text" } },
      ]),
      signal,
    );
    const rows = await test.sql`select set, set_once from events order by uuid`;
    assert.deepEqual(rows.map(({ set, set_once }) => [set, set_once]), [
      [{ a: 1 }, { b: 1 }],
      [{ a: 2 }, null],
      [{ a: 2, c: 1 }, { b: 2 }],
      [null, null],
    ]);
  });

  await t.step("writes each event once, however often it is delivered", async () => {
    await using test = await setUp(server);
    const records = manyRecords(50);
    await test.sink.deliver(records, signal);
    const before = await test.sql`select uuid, xmin::text, inserted_at from events order by uuid`;
    await test.sink.deliver(records, signal);
    await test.sink.deliver(records.slice(20), signal);
    const after = await test.sql`select uuid, xmin::text, inserted_at from events order by uuid`;
    assert.equal(after.length, 50);
    // Rows that are the same are not even touched.
    assert.deepEqual([...after], [...before]);
  });

  await t.step("replaces a row when the same event comes with other properties, also within one batch", async () => {
    await using test = await setUp(server);
    const uuid = "01890000-0000-7000-8000-00000000abcd";
    await test.sink.deliver(
      storedRecords([{ uuid, properties: { n: 1 } }, { uuid: uuid.toUpperCase(), properties: { n: 2 } }]),
      signal,
    );
    assert.deepEqual([...await test.sql`select properties from events`], [{ properties: { n: 2 } }]);
    await test.sink.deliver(storedRecords([{ uuid, properties: { n: 3 } }]), signal);
    assert.deepEqual([...await test.sql`select properties from events`], [{ properties: { n: 3 } }]);
  });

  await t.step("keeps events of two projects with the same uuid apart", async () => {
    await using test = await setUp(server);
    const uuid = "01890000-0000-7000-8000-00000000abcd";
    await test.sink.deliver(storedRecords([{ uuid, team_id: 1 }, { uuid, team_id: 2 }]), signal);
    assert.equal((await test.sql`select * from events`).length, 2);
  });

  await t.step("replaces characters that jsonb refuses with U+FFFD", async () => {
    await using test = await setUp(server);
    const [base] = storedRecords([{}]);
    assert.ok(base);
    const json = (uuid: string) =>
      `{"uuid":"${uuid}","event":"a\\u0000b","distinct_id":"user","team_id":1,"timestamp":"2026-03-01T12:00:00Z",
        "properties":{"nul\\u0000key":"x\\u0000y","half":"\\ud83d","pair":"\\ud83d\\ude00","plain":"\\\\u0000"}}`;
    const rejections = await test.sink.deliver([storedText(json("01890000-0000-7000-8000-000000000001"), 1)], signal);
    assert.deepEqual(rejections, []);
    const [row] = await test.sql`select event, properties from events`;
    assert.deepEqual(row, {
      event: "a\ufffdb",
      properties: { "nul\ufffdkey": "x\ufffdy", half: "\ufffd", pair: "😀", plain: "\\u0000" },
    });
  });

  await t.step("stores null for a number beyond what JSON readers can hold", async () => {
    await using test = await setUp(server);
    const text = `{"uuid":"01890000-0000-7000-8000-000000000001","event":"e","distinct_id":"user","team_id":1,
      "timestamp":"2026-03-01T12:00:00Z","properties":{"big":1e400,"large":1e300}}`;
    assert.deepEqual(await test.sink.deliver([storedText(text, 1)], signal), []);
    assert.deepEqual([...await test.sql`select properties from events`], [{ properties: { big: null, large: 1e300 } }]);
  });

  await t.step("rejects what cannot be a row, by name, and writes the others", async () => {
    await using test = await setUp(server);
    const records = storedRecords([
      {},
      { timestamp: "yesterday" },
      { uuid: "not-a-uuid" },
      { timestamp: "+012345-01-01T00:00:00.000Z" },
      { event: "x".repeat(20_000) + Array.from({ length: 9_000 }, (_, index) => index).join() },
      { team_id: "many" },
      {},
    ]);
    records.push(storedText("{broken", 7), storedText(`"text"`, 8));
    const rejections = await test.sink.deliver(records, signal);
    const reasons = new Map(rejections.map(({ index, reason }) => [index, reason]));
    assert.deepEqual([...reasons.keys()].sort(), [1, 2, 3, 4, 5, 7, 8]);
    assert.match(reasons.get(1) ?? "", /timestamp "yesterday" is not a date/);
    assert.match(reasons.get(2) ?? "", /uuid "not-a-uuid" is not a UUID/);
    assert.match(reasons.get(3) ?? "", /timestamp .* is not a date of the years/);
    assert.match(reasons.get(4) ?? "", /Cannot write to table public\.events: index row/);
    assert.match(reasons.get(5) ?? "", /invalid input syntax for type bigint/);
    assert.match(reasons.get(8) ?? "", /not a JSON object/);
    assert.equal((await test.sql`select * from events`).length, 2);
  });

  await t.step("rejects an event that is nested too deep", async () => {
    await using test = await setUp(server);
    const records = manyRecords(4);
    for (const [index, depth] of [[1, 100_000], [2, 1_000_000]] as const) {
      const uuid = `01890000-0000-7000-8000-00000000000${index}`;
      const text = `{"uuid":"${uuid}","event":"deep","distinct_id":"user","team_id":1,
        "timestamp":"2026-03-01T12:00:00Z","properties":{"deep":${"[".repeat(depth)}${"]".repeat(depth)}}}`;
      records[index] = storedText(text, index);
    }
    const rejections = await test.sink.deliver(records, signal);
    assert.deepEqual(rejections.map(({ index }) => index).sort(), [1, 2]);
    assert.equal((await test.sql`select * from events`).length, 2);
  });

  await t.step("finds the one event among 500 that the table refuses", async () => {
    await using test = await setUp(server);
    await test.sink.deliver(manyRecords(1), signal);
    await test.sql`alter table events add check (distinct_id <> 'user-poison')`;
    const records = storedRecords(
      Array.from({ length: 500 }, (_, index) => ({ distinct_id: index === 377 ? "user-poison" : `user-${index % 7}` })),
    );
    const rejections = await test.sink.deliver(records, signal);
    assert.deepEqual(rejections.map(({ index }) => index), [377]);
    assert.match(rejections[0]?.reason ?? "", /violates check constraint/);
    assert.equal((await test.sql`select * from events`).length, 499);
  });

  await t.step("writes to the schema and table of the options, and creates nothing when they exist", async () => {
    await using test = await setUp(server, { schema: "analytics", table: "select" });
    await assert.rejects(
      test.sink.deliver(manyRecords(1), signal),
      (error) => error instanceof TryLaterError && /schema "analytics" does not exist/.test(error.message),
    );
    await test.sql`create schema analytics`;
    await test.sink.deliver(manyRecords(3), signal);
    assert.equal((await test.sql`select * from analytics."select"`).length, 3);

    await test.sql.unsafe(`create role writer login; grant usage on schema analytics to writer;
      grant select, insert, update on analytics."select" to writer`);
    const writer = postgresOptions.parse({
      url: test.url.replace("postgres@", "writer@"),
      schema: "analytics",
      table: "select",
    });
    await using second = new PostgresSink(writer);
    assert.deepEqual(await second.deliver(manyRecords(5), signal), []);
    assert.equal((await test.sql`select * from analytics."select"`).length, 5);
  });

  await t.step("creates the table again when it was dropped", async () => {
    await using test = await setUp(server);
    await test.sink.deliver(manyRecords(3), signal);
    await test.sql`drop table events`;
    await assert.rejects(
      test.sink.deliver(manyRecords(3), signal),
      (error) => error instanceof TryLaterError && error.retryAfterMs === 0,
    );
    await test.sink.deliver(manyRecords(3), signal);
    assert.equal((await test.sql`select * from events`).length, 3);
  });

  await t.step("creates one table when several sinks start at once", async () => {
    await using test = await setUp(server);
    const options = postgresOptions.parse({ url: test.url });
    const sinks = Array.from({ length: 6 }, () => new PostgresSink(options));
    try {
      await Promise.all(sinks.map((sink) => sink.deliver(manyRecords(10), signal)));
    } finally {
      for (const sink of sinks) await sink[Symbol.asyncDispose]();
    }
    assert.equal((await test.sql`select * from events`).length, 10);
  });

  await t.step("gives up after the timeout, and at once when it is aborted", async () => {
    await using test = await setUp(server, { timeout_seconds: 0.3 });
    await test.sink.deliver(manyRecords(1), signal);
    const lock = await test.sql.reserve();
    await lock`begin`;
    await lock`lock table events`;
    await assert.rejects(
      test.sink.deliver(manyRecords(2), signal),
      (error) => error instanceof TryLaterError && /no answer in 300 ms/.test(error.message),
    );
    const controller = new AbortController();
    const delivery = test.sink.deliver(manyRecords(2), controller.signal);
    controller.abort(new Error("stopping"));
    await assert.rejects(delivery, /stopping/);
    await lock`commit`;
    lock.release();
    assert.deepEqual(await test.sink.deliver(manyRecords(2), signal), []);
  });

  await t.step("says what is wrong without the password", async () => {
    const url = `postgres://nobody:hunter2@127.0.0.1:${server.port}/missing`;
    await using sink = new PostgresSink(postgresOptions.parse({ url }));
    await assert.rejects(
      sink.deliver(manyRecords(1), signal),
      (error) =>
        error instanceof TryLaterError && error.message.startsWith("Cannot write to table public.events: ") &&
        !error.message.includes("hunter2"),
    );
  });

  await t.step("loses nothing when Postgres is killed during delivery, and goes on by itself", async () => {
    await using test = await setUp(server, { timeout_seconds: 5 });
    const records = manyRecords(4000);
    let delivered = 0;
    let failures = 0;
    const outage = (async () => {
      while (delivered < 800 && failures === 0) await delay(5);
      await server.kill();
      while (failures < 3 && delivered < records.length) await delay(5);
      await server.start();
    })();
    while (delivered < records.length && failures < 1000) {
      try {
        const batch = records.slice(delivered, delivered + 100);
        assert.deepEqual(await test.sink.deliver(batch, signal), []);
        delivered += batch.length;
      } catch (error) {
        assert.ok(error instanceof TryLaterError, String(error));
        failures++;
        await delay(50);
      }
    }
    await outage;
    assert.ok(failures >= 3 && failures < 1000, `${failures} failures`);
    const check = postgres(test.url, { max: 1 });
    const [row] = await check`select count(*)::int, count(distinct uuid)::int as uuids from events`;
    await check.end({ timeout: 0 });
    assert.deepEqual(row, { count: 4000, uuids: 4000 });
  });
});
