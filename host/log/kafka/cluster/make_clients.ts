/**
 * Kafka's clients as the log uses them: ready for use, and closed again when they cannot be.
 * @module
 */

import { Buffer } from "node:buffer";
import { Consumer, FetchIsolationLevels, Producer } from "@platformatic/kafka";
import type { FetchClient } from "../reading/committed_records.ts";
import type { LogProducer } from "../routing/appender.ts";
import { guardClient } from "./guard_client.ts";
import { clientOptions, type KafkaSettings, topicNames, transactionalId } from "./kafka_settings.ts";
import { closeQuietly, type Renewable } from "./renewable.ts";

const NOTHING = Buffer.alloc(0);

export type Fetcher = Renewable<FetchClient>;

/** Kafka ends a transaction that is open for longer. */
const TRANSACTION_MS = 8000;

/** Makes Kafka assign an id. The client would otherwise claim the id 0, which Kafka takes for another producer. */
const NEW_PRODUCER = { producerId: -1n, producerEpoch: -1 };

/**
 * The producer of the router's steps, one at a time for each host. Kafka ends the transaction that the previous one
 * left open.
 * @param host whose transactions it continues
 * @throws as makeProducer
 */
export async function makeStepProducer(settings: KafkaSettings, host = settings.hostId): Promise<LogProducer> {
  const producer = await makeProducer(settings, transactionalId(settings, host));
  return await closingOnError(producer, async () => {
    const { outbox, progress } = topicNames(settings);
    await endForgotten(settings, producer, outbox, "commit");
    await endForgotten(settings, producer, progress, "abort");
  });
}

/**
 * A broker that dies while it ends a transaction may come back and forget to write the end into some partitions, which
 * nobody can read any further then. An empty transaction of the same name ends what is open there.
 *
 * Kafka says no more how it had ended the forgotten one. Events are kept, and the progress is not: at worst a step that
 * was made comes again.
 */
async function endForgotten(
  settings: KafkaSettings,
  producer: LogProducer,
  topic: string,
  end: "commit" | "abort",
): Promise<void> {
  const metadata = await producer.metadata({ topics: [topic] });
  const partitions = await openPartitions(settings, topic, metadata.topics.get(topic)?.partitionsCount ?? 0);
  if (partitions.length === 0) return;
  const transaction = await producer.beginTransaction();
  await transaction.addPartitions(metadata, partitions.map((partition) => ({ topic, partition, value: NOTHING })));
  await transaction[end]();
}

/** The partitions in which a transaction is open, whoever's it is. */
async function openPartitions(settings: KafkaSettings, topic: string, count: number): Promise<number[]> {
  const client = await makeFetcher(settings);
  try {
    const all = Array.from({ length: count }, (_, partition) => partition);
    const ends = async (isolationLevel: number) => {
      const query = { topics: [topic], partitions: { [topic]: all }, timestamp: -1n, isolationLevel };
      return (await client.listOffsets(query)).get(topic) ?? [];
    };
    const stable = await ends(FetchIsolationLevels.READ_COMMITTED);
    const written = await ends(FetchIsolationLevels.READ_UNCOMMITTED);
    return all.filter((partition) => stable[partition] !== written[partition]);
  } finally {
    await closeQuietly(client);
  }
}

/** @throws the client's error when Kafka does not take the producer; its connections are closed then */
export async function makeProducer(settings: KafkaSettings, transactional?: string): Promise<LogProducer> {
  const producer: LogProducer = guardClient(
    new Producer<Buffer, Buffer, Buffer, Buffer>({
      ...clientOptions(settings),
      idempotent: true,
      compression: settings.compression,
      ...(transactional !== undefined && { transactionalId: transactional, timeout: TRANSACTION_MS }),
    }),
  );
  producer.on("error", () => {});
  return await closingOnError(producer, async () => {
    if (transactional === undefined) {
      await producer.initIdempotentProducer(NEW_PRODUCER);
    } else {
      // The client registers its transactional id when its first transaction begins; this one is empty.
      const first = await producer.beginTransaction(NEW_PRODUCER);
      await first.cancel();
    }
  });
}

async function closingOnError(producer: LogProducer, begin: () => Promise<void>): Promise<LogProducer> {
  try {
    await begin();
    return producer;
  } catch (error) {
    await closeQuietly(producer);
    throw error;
  }
}

export function makeFetcher(settings: KafkaSettings): Promise<FetchClient> {
  const client: FetchClient = guardClient(
    new Consumer<Buffer, Buffer, Buffer, Buffer>({
      ...clientOptions(settings),
      // The client requires a group id, but never joins the group.
      groupId: `${settings.prefix}readers`,
      isolationLevel: FetchIsolationLevels.READ_COMMITTED,
    }),
  );
  client.on("error", () => {});
  return Promise.resolve(client);
}

/** Ends the transaction that a host left open. Until it has ended or timed out, Kafka lets nobody read past it. */
export async function endTransaction(settings: KafkaSettings, host: string): Promise<void> {
  await closeQuietly(await makeStepProducer(settings, host));
}
