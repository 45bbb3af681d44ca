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
import { startKafka, whyNoKafka } from "../../../kit/servers/kafka.ts";
import { startPostgres } from "../../../kit/servers/postgres.ts";
import { settingsFor } from "../../../kit/servers/kafka_settings.ts";

const ignore = await whyNoKafka() !== null;
const options = { sanitizeOps: false, sanitizeResources: false };
const PARTITIONS = 12;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

Deno.test(
  "KnownHosts knows a quiet host for as long as it runs, and forgets the others after a week",
  options,
  async () => {
    await using postgres = await startPostgres();
    await using db = new Connection(await postgres.createDatabase(), {});
    let now = Date.now();
    const hosts = ["quiet", "new", "gone"].map((host) => new KnownHosts(db, "log-", host, () => now));
    const [quiet, fresh, gone] = hosts as [KnownHosts, KnownHosts, KnownHosts];
    const known = async () => (await quiet.list()).map(({ host }) => host);
    await quiet.renew();
    assert.deepEqual(await known(), [], "it has opened no transaction yet");
    await quiet.note();
    await gone.note();
    for (const until = now + 8 * DAY_MS; now < until; now += HOUR_MS / 2) await quiet.renew();
    assert.deepEqual(await known(), ["quiet"]);
    await fresh.note();
    assert.deepEqual(await known(), ["new", "quiet"], "the newest one first");
    const rows = await db.run("always", (sql) => sql`SELECT host FROM hogpen_log_hosts`);
    assert.equal(rows.length, 2);
  },
);

Deno.test("KnownHosts forgets a host unless it has come back", options, async () => {
  await using postgres = await startPostgres();
  await using db = new Connection(await postgres.createDatabase(), {});
  let now = Date.now();
  const host = new KnownHosts(db, "log-", "host", () => now);
  await host.note();
  const [seen] = await host.list();
  assert(seen !== undefined);
  now++;
  await host.note();
  await host.forget(seen);
  const [again] = await host.list();
  assert(again !== undefined);
  await host.forget(again);
  assert.equal((await host.list()).length, 0);
});

Deno.test("Kafka: the transaction of a host that is gone is ended once for all partitions, and the host forgotten", {
  ...options,
  ignore,
}, async () => {
  await using kafka = await startKafka();
  await using postgres = await startPostgres();
  const databaseUrl = await postgres.createDatabase();
  await using db = new Connection(databaseUrl, {});
  const settings = settingsFor(kafka.brokers, { partitions: PARTITIONS });
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
