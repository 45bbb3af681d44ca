/**
 * Proves that consumers of several hosts on one real Kafka and one real Postgres can be sent back and ahead from any of
 * them: each host goes on with its own part of the log, and nothing is left out.
 */

import assert from "node:assert/strict";
import { systemClock } from "../../../host/clock.ts";
import { type Consumers, createConsumers } from "../../../host/consumers/consumers.ts";
import type { Rejection } from "../../../host/consumers/sink.ts";
import type { KafkaEventLog } from "../../../host/log/kafka/kafka_event_log.ts";
import { openPostgresStore } from "../../../host/store/postgres_store.ts";
import type { Store } from "../../../host/store/store.ts";
import { FarSide } from "../../kit/cells/far_side.ts";
import { eventually } from "../../kit/eventually.ts";
import { numbered } from "../../kit/flow.ts";
import { whyNoKafka } from "../../kit/servers/kafka.ts";
import { type LogServers, ownsSoMany, startLogServers } from "../../kit/servers/log_cluster.ts";
import { storedRecords } from "../../kit/stored_records.ts";

const reason = await whyNoKafka();
if (reason !== null) console.log(`The tests of consumers on Kafka are ignored: ${reason}`);
const options = { ignore: reason !== null, sanitizeOps: false, sanitizeResources: false };

const ID = "destination:1/far";

let servers: Promise<LogServers> | null = null;

/** Two hosts with half of the partitions each, and a consumer that runs on both. */
class Pair implements AsyncDisposable {
  readonly logs: [KafkaEventLog, KafkaEventLog];
  readonly store: Store;
  readonly fars: [FarSide, FarSide] = [new FarSide(), new FarSide()];
  readonly consumers: [Consumers, Consumers];

  constructor(logs: Pair["logs"], store: Store) {
    this.logs = logs;
    this.store = store;
    const make = (log: KafkaEventLog, hostId: string) => createConsumers({ log, store, hostId, clock: systemClock });
    this.consumers = [make(logs[0], "first"), make(logs[1], "second")];
  }

  /** Of ten people each, so that both hosts have some. */
  async append(from: number, to: number): Promise<void> {
    const events = numbered(to - from + 1, from).map((event, index) => ({ ...event, distinct_id: `p${index % 10}` }));
    await this.logs[0].append("outbox", 1, storedRecords(events).map(({ key, event }) => ({ key, event })));
  }

  get names(): string[] {
    return this.fars.flatMap(({ names }) => names);
  }

  /** Resolves when the events up to this one are delivered, those from `from` on at least once, and committed. */
  async caughtUp(to: number, from = 1): Promise<void> {
    await eventually("the events are delivered", () => times(this.names, from, to).every((count) => count > 0));
    await eventually("all is committed", async () => {
      const all = await Promise.all(this.consumers.map((consumer) => consumer.get(ID)));
      return all.every((status) => status?.state === "running" && status.lag.events === 0);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of [...this.consumers, ...this.logs, this.store]) await each[Symbol.asyncDispose]();
  }
}

async function openPair(): Promise<Pair> {
  const { makeCluster } = await (servers ??= startLogServers());
  const cluster = await makeCluster();
  const logs: Pair["logs"] = [await cluster.host("first"), await cluster.host("second")];
  await eventually("both own half", () => logs.every((log) => ownsSoMany(log, 2)));
  await logs[0].register("outbox", 1, ID, "earliest");
  const pair = new Pair(logs, await openPostgresStore(cluster.databaseUrl));
  for (const [host, consumers] of pair.consumers.entries()) {
    await consumers.apply({ run: [pair.fars[host]!.spec(ID)], reserve: [] });
  }
  await eventually("both have started", async () => {
    const all = await Promise.all(pair.consumers.map((consumer) => consumer.get(ID)));
    return all.every((status) => status?.state === "running");
  });
  return pair;
}

/** Holds the far side's deliveries back until they are given up; returns what lets them through. */
function hold(far: FarSide): () => void {
  const gate = Promise.withResolvers<Rejection[]>();
  far.before = (_, signal) => {
    const givenUp = Promise.withResolvers<never>();
    signal.addEventListener("abort", () => givenUp.reject(signal.reason), { once: true });
    return Promise.race([gate.promise, givenUp.promise]);
  };
  return () => gate.resolve([]);
}

function times(names: string[], from: number, to: number): number[] {
  return numbered(to - from + 1, from).map(({ event }) => names.filter((name) => name === event).length);
}

Deno.test("Consumer that is rewound on one host goes on with its own part on each", options, async () => {
  await using pair = await openPair();
  await pair.append(1, 40);
  await pair.caughtUp(40);
  const own = pair.fars.map(({ names }) => names.toSorted());
  assert.ok(own.every(({ length }) => length > 0 && length < 40));
  await pair.consumers[0].rewind(ID, { time: 0 });
  await eventually("all is delivered again", () => pair.names.length >= 80);
  await pair.caughtUp(40);
  assert.deepEqual(pair.fars.map(({ names }) => names.toSorted()), own.map((names) => [...names, ...names].sort()));
  await pair.append(41, 80);
  await pair.caughtUp(80);
  assert.deepEqual(times(pair.names, 41, 80), Array(40).fill(1));
});

Deno.test("Consumer that skips on one host goes on with its own part on each", options, async () => {
  await using pair = await openPair();
  const release = pair.fars.map(hold);
  await pair.append(1, 40);
  await eventually("both hosts have a delivery in flight", () => pair.fars.every(({ offered }) => offered > 0));
  await pair.consumers[0].skip(ID);
  for (const each of release) each();
  await pair.append(41, 80);
  await pair.caughtUp(80, 41);
  assert.deepEqual(times(pair.names, 41, 80), Array(40).fill(1));
});

Deno.test("Consumer that another host rewinds during a delivery delivers again from there", options, async () => {
  await using pair = await openPair();
  await pair.append(1, 40);
  await pair.caughtUp(40);
  const own = new Set(pair.fars[1].names);
  const release = hold(pair.fars[1]);
  await pair.append(41, 80);
  await eventually("a delivery is in flight", () => pair.fars[1].offered > pair.fars[1].batches.length);
  await pair.consumers[0].rewind(ID, { time: 0 });
  // As every applied configuration does, for all readers.
  await pair.logs[1].register("outbox", 1, ID, "latest");
  release();
  await eventually("the other part is delivered again too", () => {
    const again = pair.fars[1].names.filter((name) => own.has(name));
    return again.length >= 2 * own.size;
  });
  await pair.caughtUp(80);
  assert.ok(times(pair.names, 1, 80).every((count) => count >= 1));
});

Deno.test("Consumer is not taken ahead by a rewind where it is further behind than that", options, async () => {
  await using pair = await openPair();
  const release = hold(pair.fars[1]);
  await pair.append(1, 40);
  await eventually("only the second host is behind", async () => {
    const status = await pair.consumers[0].get(ID);
    return status?.lag.events === 0 && pair.fars[1].offered === 1;
  });
  await eventually("time has passed", () => new Promise((resolve) => setTimeout(() => resolve(true), 20)));
  const time = Date.now();
  await pair.append(41, 80);
  await eventually("the first host has delivered those too", async () => {
    const status = await pair.consumers[0].get(ID);
    return status?.lag.events === 0 && pair.fars[0].names.some((name) => Number(name.slice(1)) > 40);
  });
  await pair.consumers[0].rewind(ID, { time });
  release();
  await pair.caughtUp(80);
  assert.deepEqual(times(pair.names, 1, 80).filter((count) => count === 0), []);
});

Deno.test(
  "A replay can be ended from another host, at any time, and leaves out only what was delivered",
  options,
  async () => {
    await using pair = await openPair();
    await pair.append(1, 400);
    await pair.caughtUp(400);
    const release = pair.fars.map(hold);
    const offered = pair.fars.map(({ offered }) => offered);
    await pair.consumers[0].rewind(ID, { time: 0 });
    await eventually("both hosts replay", () => pair.fars.every((far, host) => far.offered > offered[host]!));
    await pair.append(401, 440);
    // As a look into the store tells the second host.
    await pair.consumers[1].takeOverChanges();
    assert.ok(((await pair.consumers[1].get(ID))?.replay?.eventsLeft ?? 0) > 0);
    await pair.consumers[1].cancelReplay(ID);
    for (const each of release) each();
    await pair.caughtUp(440);
    assert.deepEqual(times(pair.names, 401, 440), Array(40).fill(1));
    // On each host, one batch at most was on its way when the replay was ended.
    const twice = times(pair.names, 1, 400).filter((count) => count > 1).length;
    assert.ok(twice <= 20, `${twice} of 400 were delivered again`);
    await assert.rejects(pair.consumers[0].cancelReplay(ID), { reason: "conflict" });
    await pair.consumers[0].takeOverChanges();
    assert.equal((await pair.consumers[0].get(ID))?.replay, null);
  },
);

Deno.test("A replay can be ended after partitions changed hands", options, async () => {
  await using pair = await openPair();
  await pair.append(1, 400);
  await pair.caughtUp(400);
  await pair.consumers[1][Symbol.asyncDispose]();
  const release = hold(pair.fars[0]);
  const { offered } = pair.fars[0];
  await pair.consumers[0].rewind(ID, { time: 0 });
  await pair.logs[1][Symbol.asyncDispose]();
  await eventually("the first host owns everything", () => ownsSoMany(pair.logs[0], 4));
  await eventually("it replays", () => pair.fars[0].offered > offered);
  await pair.consumers[0].cancelReplay(ID);
  release();
  await pair.append(401, 440);
  await eventually("the new ones are delivered", () => times(pair.names, 401, 440).every((count) => count > 0));
  assert.deepEqual(times(pair.names, 401, 440), Array(40).fill(1));
  const twice = times(pair.names, 1, 400).filter((count) => count > 1).length;
  assert.ok(twice <= 20, `${twice} of 400 were delivered again`);
});

Deno.test("Consumers on Kafka: the servers of the tests end", options, async () => {
  await (await servers)?.[Symbol.asyncDispose]();
});
