import assert from "node:assert/strict";
import { Admin } from "@platformatic/kafka";
import { clientOptions, topicNames } from "../../../../host/log/kafka/cluster/kafka_settings.ts";
import { makeFetcher, makeProducer } from "../../../../host/log/kafka/cluster/make_clients.ts";
import { Renewable } from "../../../../host/log/kafka/cluster/renewable.ts";
import { ensureTopics } from "../../../../host/log/kafka/cluster/topics.ts";
import { encodeRecord } from "../../../../host/log/kafka/reading/record_codec.ts";
import { StoredTopic } from "../../../../host/log/kafka/reading/stored_topic.ts";
import { TopicReader } from "../../../../host/log/kafka/reading/topic_reader.ts";
import type { LogCluster } from "../../../kit/servers/log_cluster.ts";
import { settingsFor } from "../../../kit/servers/kafka_settings.ts";

/** Registers the test. */
export function testTopicReader(makeCluster: () => Promise<LogCluster>, options: { ignore: boolean }): void {
  Deno.test(
    "TopicReader leaves a partition alone that is given up while it looks for what retention kept",
    { sanitizeOps: false, sanitizeResources: false, ...options },
    async () => {
      await using cluster = await makeCluster();
      const settings = settingsFor(cluster.kafka.brokers, { prefix: cluster.prefix, partitions: 1 });
      await ensureTopics(settings);
      const topic = topicNames(settings).inbox;
      const producer = await makeProducer(settings);
      const messages = Array.from(
        { length: 4 },
        () => encodeRecord(topic, 1, { key: "k", event: new Uint8Array(1) }, 1),
      );
      await producer.send({ messages, acks: -1 });
      await producer.close();
      const admin = new Admin(clientOptions(settings));
      await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: 2n }] }] });
      await admin.close();

      for (const again of [null, 3]) {
        const [looks, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
        await using client = new Renewable(() => makeFetcher(settings));
        await using catchUpClient = new Renewable(async () => {
          looks.resolve();
          await goOn.promise;
          return await makeFetcher(settings);
        });
        const reader = new TopicReader({
          stored: new StoredTopic(topic, catchUpClient),
          client,
          maxBytes: 1024,
          onRecords: () => {},
          onLost: () => {},
          onError: () => {},
        });
        reader.own(new Map([[0, 0]]));
        await looks.promise;
        reader.own(new Map());
        if (again !== null) reader.own(new Map([[0, again]]));
        goOn.resolve();
        await reader[Symbol.asyncDispose]();
        assert.equal(reader.tail(0)?.start, again ?? undefined);
      }
    },
  );
}
