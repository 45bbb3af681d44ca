import { Admin, Consumer } from "@platformatic/kafka";
import { assignSticky } from "../../../../host/log/kafka/cluster/assign_sticky.ts";
import { clientOptions, topicNames } from "../../../../host/log/kafka/cluster/kafka_settings.ts";
import { joinGroup } from "../../../../host/log/kafka/cluster/membership.ts";
import { ensureTopics, TopicError } from "../../../../host/log/kafka/cluster/topics.ts";
import { openKafkaEventLog } from "../../../../host/log/kafka/open_kafka_event_log.ts";
import { eventually } from "../../../kit/eventually.ts";
import type { LogCluster } from "../../../kit/servers/log_cluster.ts";
import { settingsFor } from "../../../kit/servers/kafka_settings.ts";

/** Registers the test. */
export function testRaisedPartitions(makeCluster: () => Promise<LogCluster>, options: { ignore: boolean }): void {
  Deno.test("Kafka: a host says what to do when the inbox gets more partitions while it runs", {
    ...options,
    sanitizeOps: false,
    sanitizeResources: false,
  }, async () => {
    await using cluster = await makeCluster();
    const settings = settingsFor(cluster.kafka.brokers, { prefix: cluster.prefix });
    await ensureTopics(settings);
    const { inbox } = topicNames(settings);
    // The first member assigns the partitions. This one notices at once that there are more.
    const leader = new Consumer({
      ...clientOptions(settings),
      metadataMaxAge: 0,
      heartbeatInterval: 500,
      groupId: `${settings.prefix}routers`,
      protocols: [{ name: "hogpen", version: 1, metadata: "leader" }],
      partitionAssigner: assignSticky,
    });
    leader.topics.trackAll(inbox);
    await leader.joinGroup({});
    const errors: unknown[] = [];
    await using log = await openKafkaEventLog({
      settings,
      databaseUrl: cluster.databaseUrl,
      owns: { inbox: true, outbox: false },
      onError: (error) => errors.push(error),
    });
    await eventually("the host owns half", () => log.share()?.owned.inbox.length === 2);

    const admin = new Admin(clientOptions(settings));
    const assignments = Array.from({ length: 16 }, () => ({ brokerIds: [1] }));
    await admin.createPartitions({ topics: [{ name: inbox, count: 20, assignments }] });
    await admin.close();
    await using _third = joinGroup({
      settings: { ...settings, hostId: "third" },
      group: "routers",
      topic: inbox,
      onChange: () => {},
      onError: () => {},
    });
    await eventually("it says so", () =>
      errors.some((error) =>
        error instanceof TopicError &&
        /expected 4.*give \S+inbox, \S+outbox and \S+progress .*restart all hosts$/.test(error.message)
      ));
    await leader.close(true);
  });
}
