import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { Producer } from "@platformatic/kafka";
import { clientOptions, topicNames, transactionalId } from "../../../../host/log/kafka/cluster/kafka_settings.ts";
import { KnownHosts } from "../../../../host/log/kafka/cluster/known_hosts.ts";
import { makeProducer } from "../../../../host/log/kafka/cluster/make_clients.ts";
import { ensureTopics } from "../../../../host/log/kafka/cluster/topics.ts";
import { openKafkaEventLog } from "../../../../host/log/kafka/open_kafka_event_log.ts";
import { Connection } from "../../../../host/store/postgres/connection.ts";
import { eventually } from "../../../kit/eventually.ts";
import { settingsFor } from "../../../kit/servers/kafka_settings.ts";
import type { LogCluster } from "../../../kit/servers/log_cluster.ts";

const PARTITIONS = 12;

/** Registers the test. */
export function testGoneHost(makeCluster: () => Promise<LogCluster>, options: { ignore: boolean }): void {
  Deno.test("Kafka: the transaction of a host that is gone is ended once for all partitions, and the host forgotten", {
    sanitizeOps: false,
    sanitizeResources: false,
    ...options,
  }, async () => {
    const { kafka, prefix, databaseUrl } = await makeCluster();
    await using db = new Connection(databaseUrl, {});
    const settings = settingsFor(kafka.brokers, { prefix, partitions: PARTITIONS });
    await ensureTopics(settings);
    const hosts = new KnownHosts(db, settings.prefix, "gone");
    await hosts.note();
    const gone = new Producer<Buffer, Buffer, Buffer, Buffer>({
      ...clientOptions(settings),
      transactionalId: transactionalId(settings, "gone"),
      idempotent: true,
      // Kafka does not end it by itself while the test runs.
      timeout: 600_000,
    });
    const { progress: topic } = topicNames(settings);
    const left = await gone.beginTransaction();
    const messages = Array.from(
      { length: PARTITIONS },
      (_, partition) => ({ topic, partition, key: Buffer.from("0"), value: Buffer.from("left open") }),
    );
    await left.send({ messages, acks: -1 });

    await using log = await openKafkaEventLog({
      settings,
      databaseUrl,
      owns: { inbox: true, outbox: true },
      onError: () => {},
    });
    await eventually("it has taken over", () => log.share()?.owned.inbox.length === PARTITIONS);
    assert.deepEqual((await hosts.list()).map(({ host }) => host), ["host"]);
    const next = await makeProducer(settings, transactionalId(settings, "gone"));
    // Each producer of the name has a higher epoch than the one before.
    const producers = (next.producerEpoch ?? Infinity) - (gone.producerEpoch ?? 0);
    assert(producers < PARTITIONS / 2, `there were ${producers} producers`);
    await gone.close();
    await next.close();
  });
}
