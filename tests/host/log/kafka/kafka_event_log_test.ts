/**
 * The event log on a real Kafka and a real Postgres: what every log must do, and what only several hosts can show.
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { Producer } from "@platformatic/kafka";
import type { KafkaEventLog } from "../../../../host/log/kafka/kafka_event_log.ts";
import { LogUnavailableError, StaleCursorError } from "../../../../host/log/event_log.ts";
import { eventually } from "../../../kit/eventually.ts";
import { whyNoKafka } from "../../../kit/servers/kafka.ts";
import { type LogCluster, type LogServers, ownsSoMany, startLogServers } from "../../../kit/servers/log_cluster.ts";
import { testGoneHost } from "./gone_host_suite.ts";
import { testFoundTopics } from "./found_topics_suite.ts";
import { testRaisedPartitions } from "./raised_partitions_suite.ts";
import { testReadBack } from "./read_back_suite.ts";
import { testTopicReader } from "./topic_reader_suite.ts";
import { LIMITS, record, testEventLog, valuesOf } from "../event_log_suite.ts";

const reason = await whyNoKafka();
if (reason !== null) console.log(`The tests of Kafka are ignored: ${reason}`);
const ignore = reason !== null;

let servers: Promise<LogServers> | null = null;

/** One Kafka and one Postgres for all tests of this file; each test has topics and a database of its own. */
function start(): Promise<LogServers> {
  return servers ??= startLogServers();
}

async function makeCluster(): Promise<LogCluster> {
  return await (await start()).makeCluster();
}

testEventLog("Kafka", makeCluster, { ignore });
testFoundTopics(makeCluster, { ignore });
testReadBack(makeCluster, { ignore });
testTopicReader(makeCluster, { ignore });
testRaisedPartitions(makeCluster, { ignore });
testGoneHost(makeCluster, { ignore });

const options = { ignore, sanitizeOps: false, sanitizeResources: false };

Deno.test(
  "Kafka: what was aborted is left out, also when nothing was written before",
  options,
  async () => {
    const { kafka } = await start();
    await using cluster = await makeCluster();
    {
      await using first = await cluster.open();
      await first.append("inbox", 1, [record("a", "before")]);
    }
    const topic = `${cluster.prefix}inbox`;
    for (const writes of [true, false]) {
      const producer = new Producer({
        clientId: "other",
        bootstrapBrokers: kafka.brokers.split(","),
        transactionalId: `other-${writes}`,
        idempotent: true,
      });
      const metadata = await producer.metadata({ topics: [topic] });
      const messages = Array.from(
        { length: 4 },
        (_, partition) => ({ topic, partition, value: Buffer.from("aborted") }),
      );
      const transaction = await producer.beginTransaction();
      if (writes) await transaction.send({ messages });
      else await transaction.addPartitions(metadata, messages);
      await transaction.abort();
      await producer.close();
    }
    // It reads all of them at once.
    await using log = await cluster.open();
    await log.append("inbox", 1, [record("a", "after")]);
    await eventually("both are there", async () => (await log.read("inbox", 1, "", LIMITS)).length === 2);
    assert.deepEqual(valuesOf(await log.read("inbox", 1, "", LIMITS)), ["before", "after"]);
  },
);

Deno.test("Kafka: two hosts share the partitions, and one takes over when the other leaves", options, async () => {
  await using cluster = await makeCluster();
  const first = await cluster.host("first");
  await eventually("the first host owns everything", () => ownsSoMany(first, 4));
  const before = await first.cursor("inbox", 1, "router");
  await using second = await cluster.host("second");
  await eventually("both own half", () => ownsSoMany(first, 2) && ownsSoMany(second, 2));
  await assert.rejects(first.read("inbox", 1, before, LIMITS), StaleCursorError);
  await assert.rejects(first.step(1, "router", before, []), StaleCursorError);

  const keys = Array.from({ length: 20 }, (_, i) => `person ${i}`);
  await second.append("inbox", 1, keys.map((key) => record(key, key)));
  const seen: unknown[] = [];
  for (const log of [first, second]) {
    const read = async () => valuesOf(await log.read("inbox", 1, await log.cursor("inbox", 1, "router"), LIMITS));
    await eventually("each host reads its part", async () => (await read()).length > 0);
    seen.push(...await read());
  }
  assert.deepEqual(seen.sort(), keys.sort());
  for (const log of [first, second]) {
    const start = await log.cursorAt("inbox", 1, 0);
    assert((await log.lag("inbox", 1, start)).events < keys.length, "the lag is that of its own part");
    assert.deepEqual(await log.count("inbox", 1, start), { events: keys.length, exact: false });
  }

  await first[Symbol.asyncDispose]();
  await eventually("the second host owns everything", () => ownsSoMany(second, 4));
  const rest = async () => await second.read("inbox", 1, await second.cursor("inbox", 1, "router"), LIMITS);
  await eventually(
    "it has what the other one had not routed",
    async () => (await rest().catch(() => [])).length === keys.length,
  );
});

Deno.test("Kafka: a host whose session is long joins as well", options, async () => {
  await using cluster = await makeCluster();
  await using log = await cluster.host("patient", { sessionMs: 60_000 });
  await eventually("it owns everything", () => ownsSoMany(log, 4));
});

Deno.test("Kafka: what was delivered when partitions change hands counts in those that stay", options, async () => {
  await using cluster = await makeCluster();
  await using first = await cluster.host("first");
  await eventually("the first host owns everything", () => ownsSoMany(first, 4));
  await first.register("outbox", 1, "reader", "earliest");
  await first.append("outbox", 1, Array.from({ length: 20 }, (_, i) => record(`person ${i}`, i)));
  const cursor = await first.cursor("outbox", 1, "reader");
  await first.waitForRecords("outbox", 1, cursor, new AbortController().signal);
  const read = await first.read("outbox", 1, cursor, LIMITS);
  assert.equal(read.length, 20);
  await using second = await cluster.host("second");
  await eventually("both own half", () => ownsSoMany(first, 2) && ownsSoMany(second, 2));
  await assert.rejects(first.commit("outbox", 1, "reader", read.at(-1)!.cursor), StaleCursorError);
  const rest = async (log: KafkaEventLog) =>
    await log.read("outbox", 1, await log.cursor("outbox", 1, "reader"), LIMITS);
  assert.deepEqual(await rest(first), []);
  await eventually("the second host delivers what is its own", async () => (await rest(second)).length > 0);
});

Deno.test("Kafka: a reader that another host rewinds goes on from there", options, async () => {
  await using cluster = await makeCluster();
  await using first = await cluster.host("first");
  await using second = await cluster.host("second");
  await eventually("both own half", () => ownsSoMany(first, 2) && ownsSoMany(second, 2));
  await first.register("outbox", 1, "reader", "earliest");
  const keys = Array.from({ length: 20 }, (_, i) => `person ${i}`);
  await first.append("inbox", 1, keys.map((key) => record(key, key)));
  for (const log of [first, second]) {
    const cursor = await log.cursor("inbox", 1, "router");
    await log.waitForRecords("inbox", 1, cursor, new AbortController().signal);
    const records = await log.read("inbox", 1, cursor, LIMITS);
    await log.step(1, "router", records.at(-1)!.cursor, records);
  }
  const cursor = await second.cursor("outbox", 1, "reader");
  await second.waitForRecords("outbox", 1, cursor, new AbortController().signal);
  const read = await second.read("outbox", 1, cursor, LIMITS);
  await second.commit("outbox", 1, "reader", read.at(-1)!.cursor);

  await first.move("outbox", 1, "reader", "back", await first.cursorAt("outbox", 1, 0));
  // Others look the reader's place up too; that does not make it the reader's.
  await second.register("outbox", 1, "reader", "latest");
  await assert.rejects(second.commit("outbox", 1, "reader", read.at(-1)!.cursor), StaleCursorError);
  // Until the second host has taken over again, its cursors go stale under its reads.
  const again = async () => await second.read("outbox", 1, await second.cursor("outbox", 1, "reader"), LIMITS);
  const goesOn = () =>
    eventually("it reads all again", async () => (await again().catch(() => [])).length === read.length);
  await goesOn();
  await assert.rejects(second.commit("outbox", 1, "reader", read.at(-1)!.cursor), StaleCursorError);
  await goesOn();
});

Deno.test("Kafka: a reader that is moved goes on with what its host owns", options, async () => {
  await using cluster = await makeCluster();
  await using first = await cluster.host("first");
  await using second = await cluster.host("second");
  await eventually("both own half", () => ownsSoMany(first, 2) && ownsSoMany(second, 2));
  await first.register("outbox", 1, "reader", "earliest");
  const keys = Array.from({ length: 20 }, (_, i) => `person ${i}`);
  await first.append("outbox", 1, keys.map((key) => record(key, key)));
  const cursor = await first.cursor("outbox", 1, "reader");
  const own = async (after: string) => valuesOf(await first.read("outbox", 1, after, LIMITS)).sort();
  await eventually("all is there", async () => (await first.read("outbox", 1, "", LIMITS)).length === keys.length);
  await eventually("its part is there", async () => (await own(cursor)).length > 0);
  const records = await first.read("outbox", 1, cursor, LIMITS);
  await first.commit("outbox", 1, "reader", records.at(-1)!.cursor);

  const start = await first.cursorAt("outbox", 1, 0);
  await assert.rejects(first.commit("outbox", 1, "reader", start), {
    message: /expected a cursor of the reader's own/,
  });
  await assert.rejects(first.step(1, "router", start, []), { message: /expected a cursor of the reader's own/ });
  const moved = await first.move("outbox", 1, "reader", "back", start);
  assert.deepEqual(await own(moved), valuesOf(records).sort());
  // A host's own move makes none of its cursors stale.
  const again = await first.read("outbox", 1, moved, LIMITS);
  await first.commit("outbox", 1, "reader", again.at(-1)!.cursor);
  assert.deepEqual(await own(await first.cursor("outbox", 1, "reader")), []);
});

Deno.test("Kafka: appends wait for a broker that is away, and what they wrote is kept", options, async () => {
  await using cluster = await makeCluster();
  await using log = await cluster.open();
  const { kafka } = await start();
  await log.append("inbox", 1, [record("k", 1)]);
  await kafka.kill(1);
  const waiting = log.append("inbox", 1, [record("k", 2)]).catch((error) => error);
  await kafka.start(1);
  // A slow machine may need longer for its broker than an append waits; then the client is told, and sends again.
  if (await waiting instanceof LogUnavailableError) await log.append("inbox", 1, [record("k", 2)]);
  await eventually("both are there", async () => {
    const values = valuesOf(await log.read("inbox", 1, "", LIMITS).catch(() => []));
    return values.includes(1) && values.includes(2);
  });
});

Deno.test(
  "Kafka: appends to a broker that stands still are refused, and it takes them when it goes on",
  options,
  async () => {
    await using cluster = await makeCluster();
    await using log = await cluster.open();
    const { kafka } = await start();
    await eventually("it owns all partitions", () => ownsSoMany(log, 4) && log.share()?.settled);
    assert.equal(await log.share()?.ping(), true);
    await log.append("inbox", 1, [record("k", 1)]);
    await kafka.signal(1, "SIGSTOP");
    try {
      const appends = Array.from({ length: 20 }, (_, i) => log.append("inbox", 1, [record("k", 10 + i)]));
      const ends = await Promise.allSettled(appends);
      const reasons = ends.map((end) => end.status === "rejected" ? end.reason.constructor : end.status);
      assert.deepEqual(reasons, appends.map(() => LogUnavailableError));
    } finally {
      await kafka.signal(1, "SIGCONT");
    }
    await eventually(
      "it takes events again",
      () => log.append("inbox", 1, [record("k", 2)]).then(() => true, () => false),
    );
    await eventually("the last one is there", async () => {
      const cursor = await log.cursor("inbox", 1, "router");
      return valuesOf(await log.read("inbox", 1, cursor, LIMITS).catch(() => [])).includes(2);
    });
  },
);

Deno.test("Kafka: the servers of the tests end", options, async () => {
  await (await start())[Symbol.asyncDispose]();
});
