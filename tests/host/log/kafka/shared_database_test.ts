/**
 * Proves that hosts on one log use one database: the first one that opens the log decides which.
 */

import assert from "node:assert/strict";
import { openKafkaEventLog } from "../../../../host/log/kafka/open_kafka_event_log.ts";
import { TopicError } from "../../../../host/log/kafka/cluster/topics.ts";
import { eventually } from "../../../kit/eventually.ts";
import { whyNoKafka } from "../../../kit/servers/kafka.ts";
import { settingsFor } from "../../../kit/servers/kafka_settings.ts";
import { ownsSoMany, startLogServers } from "../../../kit/servers/log_cluster.ts";

const reason = await whyNoKafka();
if (reason !== null) console.log(`The test of the shared database is ignored: ${reason}`);
const owns = { inbox: true, outbox: true };
const onError = () => {};

Deno.test("a host with another database than the first one is refused, also after events were routed", {
  ignore: reason !== null,
}, async () => {
  await using servers = await startLogServers();
  await using cluster = await servers.makeCluster();
  {
    await using log = await cluster.open();
    await log.append("inbox", 1, [{ key: "me", event: new TextEncoder().encode("{}") }]);
    const cursor = await eventually("the event is there", async () => {
      const start = await log.cursor("inbox", 1, "router");
      return (await log.read("inbox", 1, start, { maxEvents: 1, maxBytes: 1000 }))[0]?.cursor;
    });
    await log.step(1, "router", cursor, []);
  }
  const settings = settingsFor(servers.kafka.brokers, { prefix: cluster.prefix, hostId: "other" });
  const other = await servers.postgres.createDatabase();
  await assert.rejects(
    openKafkaEventLog({ settings, databaseUrl: other, owns, onError }),
    (error) =>
      error instanceof TopicError && /DATABASE_URL: the topics test1-… belong to another one/.test(error.message),
  );
  await using again = await cluster.open();
  await eventually("its own database is taken again", () => ownsSoMany(again, 4));
});

Deno.test("of two hosts that are the first at the same time, with two databases, one is refused", {
  ignore: reason !== null,
}, async () => {
  await using servers = await startLogServers();
  const databases = [await servers.postgres.createDatabase(), await servers.postgres.createDatabase()];
  const opened = await Promise.allSettled(databases.map(async (databaseUrl, index) => {
    const settings = settingsFor(servers.kafka.brokers, { hostId: `host ${index}` });
    await using _log = await openKafkaEventLog({ settings, databaseUrl, owns, onError });
  }));
  assert.deepEqual(opened.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"]);
});
