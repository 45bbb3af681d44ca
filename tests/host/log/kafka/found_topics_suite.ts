/**
 * What the log makes of topics as it finds them: the sizes of their messages, messages that no host has written, a
 * partition that cannot be read, topics that were made anew.
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { Admin, ConfigResourceTypes, IncrementalAlterConfigOperationTypes, Producer } from "@platformatic/kafka";
import { TopicError } from "../../../../host/log/kafka/cluster/topics.ts";
import type { EventLog, LogRecord, Topic } from "../../../../host/log/event_log.ts";
import { eventually } from "../../../kit/eventually.ts";
import { LIMITS, record, valuesOf } from "../event_log_suite.ts";
import type { LogCluster } from "../../../kit/servers/log_cluster.ts";

const MESSAGE_BYTES = 1_000_000;
/** What the tests send of one key at once is more than a message may have. */
const SMALL = { messageBytes: MESSAGE_BYTES, compression: "none" } as const;
const TEXT = "x".repeat(4000);
const ALL = { maxEvents: 10_000, maxBytes: 1 << 30 };

/** Registers the tests. */
export function testFoundTopics(makeCluster: () => Promise<LogCluster>, options: { ignore: boolean }): void {
  const test = (what: string, run: (cluster: LogCluster) => Promise<void>) =>
    Deno.test(`Kafka: ${what}`, { sanitizeOps: false, sanitizeResources: false, ...options }, async () => {
      await using cluster = await makeCluster();
      await run(cluster);
    });

  test("more events of one key than a message may have are each stored once", async ({ host }) => {
    await using log = await host("only", SMALL);
    const few = [record("a", 1), record("b", 2), record("c", 3), record("d", 4)];
    await Promise.all([
      log.append("inbox", 1, few),
      log.append("inbox", 1, many("heavy")),
      log.append("inbox", 1, few),
    ]);
    await eventually("all are there", async () => (await log.read("inbox", 1, "", ALL)).length >= 308);
    const found = await log.read("inbox", 1, "", ALL);
    const heavy = found.filter(({ key }) => key === "heavy");
    assert.deepEqual(valuesOf(heavy), valuesOf(many("heavy")));
    assert.equal(found.length, 308);
  });

  test("a step writes more of one key than a message may have", async ({ host }) => {
    await using log = await host("only", SMALL);
    await log.append("inbox", 1, [record("heavy", "in")]);
    const cursor = await routerCursor(log);
    await log.waitForRecords("inbox", 1, cursor, new AbortController().signal);
    const [first] = await log.read("inbox", 1, cursor, LIMITS);
    await log.step(1, "router", first!.cursor, many("heavy"));
    await eventually("all are there", async () => (await log.read("outbox", 1, "", ALL)).length >= 300);
    assert.deepEqual(valuesOf(await log.read("outbox", 1, "", ALL)), valuesOf(many("heavy")));
  });

  test("an event that is larger than a message is refused by itself", async ({ host }) => {
    const said: unknown[] = [];
    await using log = await host("only", SMALL, (error) => said.push(error));
    const [tooLarge, fits] = [sized("k", MESSAGE_BYTES), sized("k", log.maxEventBytes)];
    const appends = [[tooLarge], [fits], [record("k", "small")]].map((records) => log.append("inbox", 1, records));
    const ends = await Promise.allSettled(appends);
    assert.deepEqual(ends.map(({ status }) => status), ["rejected", "fulfilled", "fulfilled"]);
    await assert.rejects(appends[0]!, /an event of 1000000 bytes.*expected at most.*HOGPEN_KAFKA_MESSAGE_BYTES/);
    const cursor = await routerCursor(log);
    await eventually("both are there", async () => (await log.read("inbox", 1, cursor, ALL)).length === 2);

    // A plugin that makes too much of an event does not hold up the others.
    const inbox = await log.read("inbox", 1, cursor, ALL);
    await log.step(1, "router", inbox.at(-1)!.cursor, [tooLarge, record("k", "small")]);
    await eventually("the other one is there", async () => (await log.read("outbox", 1, "", ALL)).length === 1);
    assert.match(String(said.at(-1)), /an event of 1000000 bytes/);
  });

  test("topics that take less, or that Kafka compresses with snappy, are refused at the start", async (cluster) => {
    {
      await using _log = await cluster.host("only", SMALL);
    }
    await assert.rejects(
      cluster.host("only", { messageBytes: MESSAGE_BYTES + 1 }),
      (error) =>
        error instanceof TopicError &&
        /inbox: its max.message.bytes is 1000000, expected 1000001.*\n.*outbox: its max.message.bytes/.test(
          error.message,
        ),
    );
    await setCompression(cluster, "snappy");
    await assert.rejects(
      cluster.host("only", SMALL),
      (error) => error instanceof TopicError && /compression.type is snappy/.test(error.message),
    );
  });

  test("messages that no host wrote are left out, and told of", async (cluster) => {
    const said: string[] = [];
    await using log = await cluster.host("only", {}, (error) => said.push(String(error)));
    await log.append("inbox", 1, Array.from({ length: 20 }, (_, i) => record(`before ${i}`, i)));
    await produce(cluster, [
      { key: "1:a", value: "{}", headers: { more: "no JSON" } },
      { key: "1:a", value: "{}", headers: { more: '{"depth":"x"}' } },
      { key: "12", value: "{}" },
      { key: "x:a", value: "{}" },
      { value: "{}" },
      { key: "1:a" },
    ]);
    await log.append("inbox", 1, Array.from({ length: 20 }, (_, i) => record(`after ${i}`, i)));
    const cursor = await routerCursor(log);
    await eventually("all others are there", async () => (await log.read("inbox", 1, cursor, ALL)).length === 40);
    await eventually("it says so", () => said.some((text) => /Cannot use 6 messages in partition 0 of/.test(text)));
    assert.deepEqual(await log.read("inbox", 12, "", ALL), []);
  });

  test("a partition that cannot be read does not hold up the others", async (cluster) => {
    const said: string[] = [];
    await using log = await cluster.host("only", {}, (error) => said.push(String(error)));
    const cursor = await routerCursor(log);
    // The broker's own snappy is not what the client reads.
    await setCompression(cluster, "snappy");
    await produce(cluster, [{ key: "1:a", value: JSON.stringify(TEXT) }]);
    await setCompression(cluster, "producer");
    await eventually(
      "it says which",
      () => said.some((text) => /Cannot read partition 0 of .*inbox from 0 on/.test(text)),
    );
    const keys = Array.from({ length: 40 }, (_, i) => `person ${i}`);
    for (const key of keys) await log.append("inbox", 1, [record(key, key)]);
    const found = async () => (await log.read("inbox", 1, cursor, ALL)).map(({ place }) => place?.split(":")[0]);
    await eventually("the others are read", async () => new Set(await found()).size === 3);
    assert.ok(!(await found()).includes("0"));
  });

  for (const when of ["while the host runs", "while it is stopped"]) {
    test(`topics that are made anew ${when} are read from their first event`, async (cluster) => {
      const said: string[] = [];
      const open = () => cluster.host("only", {}, (error) => said.push(String(error)));
      let log = await open();
      try {
        await log.register("outbox", 1, "reader", "earliest");
        await passOn(log, keysOf(40, "before"));
        if (when === "while it is stopped") await log[Symbol.asyncDispose]();
        await makeAnew(cluster, ["inbox", "outbox"]);
        if (when === "while it is stopped") log = await open();
        await passOn(log, keysOf(8, "after"));
        assert.ok(said.some((text) => /inbox .*made anew/.test(text)), said.join("\n"));
        assert.ok(said.some((text) => /outbox .*made anew/.test(text)), said.join("\n"));
      } finally {
        await log[Symbol.asyncDispose]();
      }
    });
  }
}

function keysOf(count: number, name: string): string[] {
  return Array.from({ length: count }, (_, i) => `${name} ${i}`);
}

/** Takes an event of each key through inbox, router, outbox and reader. */
async function passOn(log: EventLog, keys: string[]): Promise<void> {
  const records = keys.map((key) => record(key, key));
  await eventually("they are stored", () => log.append("inbox", 1, records).then(() => true, () => false));
  // What this host owns changes below it, and its cursors with that.
  const read = async (topic: Topic, reader: string) =>
    await log.read(topic, 1, await log.cursor(topic, 1, reader), ALL).catch(() => []);
  await eventually("the router has them", async () => (await read("inbox", "router")).length === keys.length);
  const inbox = await read("inbox", "router");
  await log.step(1, "router", inbox.at(-1)!.cursor, inbox);
  await eventually("the reader has them", async () => (await read("outbox", "reader")).length === keys.length);
  const outbox = await read("outbox", "reader");
  assert.deepEqual(valuesOf(outbox).toSorted(), keys.toSorted());
  await log.commit("outbox", 1, "reader", outbox.at(-1)!.cursor);
}

async function makeAnew({ kafka, prefix }: LogCluster, names: Topic[]): Promise<void> {
  const topics = names.map((name) => prefix + name);
  const admin = new Admin({ clientId: "operator", bootstrapBrokers: kafka.brokers.split(",") });
  await admin.deleteTopics({ topics });
  const configs = [{ name: "max.message.bytes", value: "32000000" }];
  for (const topic of topics) {
    await eventually(
      "Kafka has made it",
      () => admin.createTopics({ topics: [topic], partitions: 4, replicas: 1, configs }).then(() => true, () => false),
    );
  }
  await admin.close();
}

/** More of one key than a message may have. */
function many(key: string): LogRecord[] {
  return Array.from({ length: 300 }, (_, i) => record(key, [i, TEXT]));
}

/** A record whose event has so many bytes. */
function sized(key: string, bytes: number): LogRecord {
  return record(key, "x".repeat(bytes - 2));
}

/** Where the router is, once the host owns the inbox. */
async function routerCursor(log: EventLog): Promise<string> {
  await eventually("it owns the inbox", () => log.share()?.owned.inbox.length === 4);
  return await log.cursor("inbox", 1, "router");
}

async function setCompression({ kafka, prefix }: LogCluster, value: string): Promise<void> {
  const admin = new Admin({ clientId: "operator", bootstrapBrokers: kafka.brokers.split(",") });
  await admin.incrementalAlterConfigs({
    resources: [{
      resourceType: ConfigResourceTypes.TOPIC,
      resourceName: `${prefix}inbox`,
      configs: [{ name: "compression.type", configOperation: IncrementalAlterConfigOperationTypes.SET, value }],
    }],
  });
  await admin.close();
}

/** Writes to partition 0 of the inbox, as somebody else would. */
async function produce(
  { kafka, prefix }: LogCluster,
  messages: { key?: string; value?: string; headers?: Record<string, string> }[],
): Promise<void> {
  const producer = new Producer({ clientId: "other", bootstrapBrokers: kafka.brokers.split(",") });
  await producer.send({
    messages: messages.map(({ key, value, headers = {} }) => ({
      topic: `${prefix}inbox`,
      partition: 0,
      ...(key !== undefined && { key: Buffer.from(key) }),
      value: value === undefined ? null as unknown as Buffer : Buffer.from(value),
      headers: new Map(Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)])),
    })),
  });
  await producer.close();
}
