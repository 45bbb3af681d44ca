/**
 * Kafka's clients as the log uses them: ready for use, and closed again when they cannot be.
 * @module
 */

import type { Buffer } from "node:buffer";
import { Consumer, FetchIsolationLevels, Producer } from "@platformatic/kafka";
import type { FetchClient } from "../reading/committed_records.ts";
import type { LogProducer } from "../routing/appender.ts";
import { guardClient } from "./guard_client.ts";
import { clientOptions, type KafkaSettings, transactionalId } from "./kafka_settings.ts";
import { closeQuietly, type Renewable } from "./renewable.ts";

export type Fetcher = Renewable<FetchClient>;

/** Kafka ends a transaction that is open for longer. */
const TRANSACTION_MS = 8000;

/** Makes Kafka assign an id. The client would otherwise claim the id 0, which Kafka takes for another producer. */
const NEW_PRODUCER = { producerId: -1n, producerEpoch: -1 };

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
  try {
    if (transactional === undefined) {
      await producer.initIdempotentProducer(NEW_PRODUCER);
    } else {
      // The client registers its transactional id when its first transaction begins; this one is empty.
      const first = await producer.beginTransaction(NEW_PRODUCER);
      await first.cancel();
    }
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
  const producer = await makeProducer(settings, transactionalId(settings, host));
  await closeQuietly(producer);
}
