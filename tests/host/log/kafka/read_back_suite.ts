import assert from "node:assert/strict";
import type { ReadLimits } from "../../../../host/log/event_log.ts";
import { topicNames } from "../../../../host/log/kafka/cluster/kafka_settings.ts";
import { makeFetcher, makeProducer } from "../../../../host/log/kafka/cluster/make_clients.ts";
import { Renewable } from "../../../../host/log/kafka/cluster/renewable.ts";
import { ensureTopics } from "../../../../host/log/kafka/cluster/topics.ts";
import { readBack } from "../../../../host/log/kafka/reading/read_back.ts";
import { encodeRecord, type PlacedRecord } from "../../../../host/log/kafka/reading/record_codec.ts";
import { StoredTopic } from "../../../../host/log/kafka/reading/stored_topic.ts";
import type { LogCluster } from "../../../kit/servers/log_cluster.ts";
import { settingsFor } from "../../../kit/servers/kafka_settings.ts";

const PARTITIONS = 4;

interface Sent {
  project: number;
  key: string;
  bytes: number;
  /** Milliseconds since the epoch. */
  at: number;
}

/** A topic of its own with the records, sent so many at once, and a reader that counts what it is given. */
async function topicWith({ kafka, prefix }: LogCluster, sent: Sent[], atOnce = 1) {
  const settings = settingsFor(kafka.brokers, { prefix, partitions: PARTITIONS });
  await ensureTopics(settings);
  const topic = topicNames(settings).outbox;
  const producer = await makeProducer(settings);
  const messages = sent.map(({ project, key, bytes, at }) => ({
    ...encodeRecord(topic, project, { key, event: new Uint8Array(bytes) }, PARTITIONS),
    timestamp: BigInt(at),
  }));
  for (let from = 0; from < messages.length; from += atOnce) {
    await producer.send({ messages: messages.slice(from, from + atOnce), acks: -1 });
  }
  await producer.close();
  const client = new Renewable(() => makeFetcher(settings));
  const stored = new StoredTopic(topic, client);
  const counting = {
    bytes: 0,
    edge: stored.edge.bind(stored),
    async fetch(...given: Parameters<StoredTopic["fetch"]>) {
      return this.count(await stored.fetch(...given));
    },
    count<T extends { records: PlacedRecord[] }>(answer: T): T {
      for (const { event } of answer.records) this.bytes += event.byteLength;
      return answer;
    },
  };
  const end = async () => {
    const edges = Array.from({ length: PARTITIONS }, async (_, p) => [p, await stored.edge(p, "latest")] as const);
    return new Map(await Promise.all(edges));
  };
  return { reader: counting, end, [Symbol.asyncDispose]: () => client[Symbol.asyncDispose]() };
}

type Topic = Awaited<ReturnType<typeof topicWith>>;

async function pagesOf({ reader, end }: Topic, project: number, limits: ReadLimits): Promise<string[][]> {
  const pages: string[][] = [];
  for (let from: Map<number, number> | null = await end(); from !== null;) {
    const { records, next }: Awaited<ReturnType<typeof readBack>> = await readBack(reader, project, from, limits);
    pages.push(records.map(({ record }) => record.key));
    const [first] = records;
    if (first !== undefined) {
      const same = await readBack(reader, project, first.behind, { maxEvents: 1, maxBytes: 1 });
      assert.equal(same.records[0]?.record.key, first.record.key);
    }
    from = next;
  }
  return pages;
}

/** Registers the tests. */
export function testReadBack(makeCluster: () => Promise<LogCluster>, options: { ignore: boolean }): void {
  const test = (what: string, run: (cluster: LogCluster) => Promise<void>) =>
    Deno.test(`Kafka: ${what}`, { sanitizeOps: false, sanitizeResources: false, ...options }, async () => {
      await using cluster = await makeCluster();
      await run(cluster);
    });

  test("readBack() reads little more than a page, whatever the size and number of older events", async (cluster) => {
    const start = Date.now();
    const bytes = 100_000;
    const sent = Array.from({ length: 200 }, (_, i) => ({ project: 1, key: `person ${i}`, bytes, at: start + i }));
    await using topic = await topicWith(cluster, sent);
    const { records } = await readBack(topic.reader, 1, await topic.end(), { maxEvents: 1, maxBytes: 1 });
    assert.deepEqual(records.map(({ record }) => record.key), ["person 199"]);
    assert(topic.reader.bytes < 30 * bytes, `it read ${topic.reader.bytes} bytes of ${sent.length * bytes}`);
  });

  test("readBack() gives every record once, newest first, whatever the limits", async (cluster) => {
    const start = Date.now();
    const sent = Array.from({ length: 100 }, (_, i) => ({
      project: 1 + i % 3 % 2,
      key: `person ${i}`,
      bytes: i % 40 === 0 ? 300_000 : 10 + i,
      at: start + i,
    }));
    await using topic = await topicWith(cluster, sent);
    const newestFirst = sent.filter(({ project }) => project === 1).map(({ key }) => key).reverse();
    for (const [maxEvents, maxBytes] of [[1, 1 << 30], [7, 5000], [7, 400_000], [1000, 1], [1000, 1 << 30]] as const) {
      const pages = await pagesOf(topic, 1, { maxEvents, maxBytes });
      assert.deepEqual(pages.flat(), newestFirst, `${maxEvents} events and ${maxBytes} bytes at most`);
      assert(pages.every((page) => page.length <= maxEvents));
    }
    assert.deepEqual(await pagesOf(topic, 3, { maxEvents: 10, maxBytes: 1000 }), [[]]);
  });

  test("readBack() leaves nothing out between pages when the hosts' clocks differ", async (cluster) => {
    const start = Date.now();
    const sent = Array.from({ length: 40 }, (_, i) => ({ project: 1, key: `p ${i}`, bytes: 10, at: start - i * 1000 }));
    await using topic = await topicWith(cluster, sent);
    for (const maxEvents of [1, 3, 100]) {
      const pages = await pagesOf(topic, 1, { maxEvents, maxBytes: 1 << 20 });
      assert.deepEqual(pages.flat().sort(), sent.map(({ key }) => key).sort());
    }
  });

  test("readBack() examines a bounded part of the log for a page, also where there is nothing", async (cluster) => {
    const others = Array.from({ length: 2500 }, (_, at) => ({ project: 2, key: "one person", bytes: 10, at }));
    await using topic = await topicWith(cluster, [{ project: 1, key: "k", bytes: 10, at: 0 }, ...others], 500);
    const pages = await pagesOf(topic, 1, { maxEvents: 10, maxBytes: 1 << 20 });
    assert.deepEqual(pages.flat(), ["k"]);
    assert.equal(pages.length, 3);
  });
}
