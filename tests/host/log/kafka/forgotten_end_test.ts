/**
 * A broker that dies while it ends a transaction may forget to write the end into some partitions when it comes back.
 * Here a client writes without telling the broker's coordinator, which leaves the same behind.
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { makeProducer } from "../../../../host/log/kafka/cluster/make_clients.ts";
import { topicNames, transactionalId } from "../../../../host/log/kafka/cluster/kafka_settings.ts";
import { encodeRecord } from "../../../../host/log/kafka/reading/record_codec.ts";
import { openKafkaEventLog } from "../../../../host/log/kafka/open_kafka_event_log.ts";
import { eventually } from "../../../kit/eventually.ts";
import { startKafka, whyNoKafka } from "../../../kit/servers/kafka.ts";
import { settingsFor } from "../../../kit/servers/kafka_settings.ts";
import { startPostgres } from "../../../kit/servers/postgres.ts";
import { LIMITS, record, valuesOf } from "../event_log_suite.ts";

const ignore = await whyNoKafka() !== null;

Deno.test("Kafka: a host goes on where the end of its last transaction was forgotten, and keeps its events", {
  ignore,
  sanitizeOps: false,
  sanitizeResources: false,
}, async () => {
  // Kafka would ask the coordinator otherwise.
  await using kafka = await startKafka({ settings: { "transaction.partition.verification.enable": "false" } });
  await using postgres = await startPostgres();
  const settings = settingsFor(kafka.brokers, { partitions: 1 });
  const databaseUrl = await postgres.createDatabase();
  const open = () =>
    openKafkaEventLog({ settings, databaseUrl, owns: { inbox: true, outbox: true }, onError: () => {} });
  {
    await using log = await open();
    await log.append("inbox", 1, [record("k", "in")]);
    await log.register("outbox", 1, "reader", "earliest");
  }
  const { outbox, progress } = topicNames(settings);
  const producer = await makeProducer(settings, transactionalId(settings, settings.hostId));
  const transaction = await producer.beginTransaction();
  transaction.addPartitions = ((_metadata: unknown, _messages: unknown, done: (error: null) => void) =>
    done(null)) as unknown as typeof transaction.addPartitions;
  const done = JSON.stringify({ host: settings.hostId, end: 1, behind: {} });
  await transaction.send({
    messages: [
      encodeRecord(outbox, 1, record("k", "out"), 1),
      { topic: progress, partition: 0, key: Buffer.from("0"), value: Buffer.from(done) },
    ],
    acks: -1,
  });
  await producer.close();

  await using log = await open();
  await eventually("it owns the inbox", () =>
    log.share()?.owned.inbox.length === 1);
  const read = async (topic: "inbox" | "outbox", reader: string) =>
    valuesOf(await log.read(topic, 1, await log.cursor(topic, 1, reader), LIMITS).catch(() => []));
  await eventually("the event is kept", async () => (await read("outbox", "reader")).length === 1);
  assert.deepEqual(await read("outbox", "reader"), ["out"]);
  // Whether the step was made is not known, so it is made again.
  await eventually("it is routed again", async () => (await read("inbox", "router")).length === 1);
});
