/**
 * Opens the event log on Kafka: creates its parts, joins the cluster, and takes over the partitions that it is
 * assigned.
 * @module
 */

import type { Buffer } from "node:buffer";
import { setTimeout as delay } from "node:timers/promises";
import { Consumer, FetchIsolationLevels, Producer } from "@platformatic/kafka";
import { Connection } from "../../store/postgres/connection.ts";
import type { Topic } from "../event_log.ts";
import { Appender, type LogProducer } from "./routing/appender.ts";
import type { FetchClient } from "./reading/committed_records.ts";
import { Claim } from "./cluster/claim.ts";
import { KafkaEventLog, type KafkaParts } from "./kafka_event_log.ts";
import { clientOptions, type KafkaSettings, topicNames, transactionalId } from "./cluster/kafka_settings.ts";
import type { Ownership } from "./cluster/membership.ts";
import type { PlacedRecord } from "./reading/record_codec.ts";
import { ReaderCursors } from "./reading/reader_cursors.ts";
import { readProgress } from "./routing/read_progress.ts";
import { guardClient } from "./cluster/guard_client.ts";
import { closeQuietly, Renewable } from "./cluster/renewable.ts";
import { type OwnedInbox, RouterSteps } from "./routing/router_steps.ts";
import { RoutingProgress } from "./routing/routing_progress.ts";
import { TopicReader } from "./reading/topic_reader.ts";
import { ensureTopics } from "./cluster/topics.ts";
import { Waiters } from "./reading/waiters.ts";

export interface KafkaLogOptions {
  settings: KafkaSettings;
  /** The address of Postgres, which holds the positions of the outbox's readers. */
  databaseUrl: string;
  /** Of which topics the host owns partitions: of the inbox to route events, of the outbox to deliver them. */
  owns: Record<Topic, boolean>;
  onError(error: unknown): void;
}

const APPEND_WAIT_MS = 10_000;
const WAITING_BYTES = 64 * 1024 * 1024;
const TAIL_BYTES = 64 * 1024 * 1024;
/** A tail starts at the slowest reader, but no further back than this many records. */
const TAIL_RECORDS = 20_000;
/** How often the host checks, in milliseconds, whether another host has moved a reader. */
const MOVES_POLL_MS = 1000;

/** @throws TopicError, or the client's error when Kafka cannot be reached */
export async function openKafkaEventLog(options: KafkaLogOptions): Promise<KafkaEventLog> {
  const { settings, databaseUrl, owns, onError } = options;
  const names = topicNames(settings);
  const partitions = await ensureTopics(settings);
  const waiters = new Waiters();
  const stop = new AbortController();
  const intake = new Renewable(() => makeProducer(settings));
  const router = new Renewable(() => makeProducer(settings, transactionalId(settings, settings.hostId)));
  const fetchers = Array.from({ length: 4 }, () => new Renewable(() => makeFetcher(settings)));
  const pings = new Renewable(() => makeFetcher(settings));
  const [inboxTail, outboxTail, catchUp, progressClient] = fetchers as [Fetcher, Fetcher, Fetcher, Fetcher];
  const cursors = new ReaderCursors(new Connection(databaseUrl, { maxConnections: 3 }), settings.prefix);
  const appender = new Appender({
    producer: intake,
    waitMs: APPEND_WAIT_MS,
    maxWaitingBytes: WAITING_BYTES,
    onError,
  });
  const readers: Record<Topic, TopicReader> = {
    inbox: makeReader("inbox", inboxTail),
    outbox: makeReader("outbox", outboxTail),
  };
  const steps = new RouterSteps({
    producer: router,
    hostId: settings.hostId,
    inboxTopic: names.inbox,
    progressTopic: names.progress,
    onDoubt: (error) => claims.inbox?.doubt(error),
  });

  function makeReader(topic: Topic, client: Fetcher): TopicReader {
    return new TopicReader({
      topic: names[topic],
      client,
      catchUpClient: catchUp,
      maxBytes: TAIL_BYTES,
      onRecords: (partition, records) => arrived(topic, partition, records),
      onError,
    });
  }

  function arrived(topic: Topic, partition: number, records: PlacedRecord[]): void {
    if (topic === "inbox") claims.inbox?.owned?.progress.get(partition)?.arrived(records);
    for (const project of new Set(records.map(({ project }) => project))) waiters.wake(topic, project);
  }

  async function prepareInbox(ownership: Ownership, signal: AbortSignal): Promise<OwnedInbox> {
    // A new producer of the same name ends the transaction that the previous one left open, which may wait for a broker
    // that is gone.
    router.renew();
    await steps.idle();
    await cursors.noteHost(settings.hostId);
    await router.use(() => Promise.resolve());
    readers.inbox.own(new Map());
    await readers.inbox.findLeaders();
    await progressClient.use((client) => client.metadata({ topics: [names.progress], forceUpdate: true }));
    const progress = new Map<number, RoutingProgress>();
    await Promise.all(ownership.partitions.map(async (partition) => {
      const found = await readProgress({
        client: progressClient,
        topic: names.progress,
        partition,
        signal,
        endOthers: endTransactionsOfTheGone,
      });
      const stored = found ?? { end: await readers.inbox.edge(partition, "earliest"), behind: {} };
      progress.set(partition, new RoutingProgress(stored));
    }));
    return { ownership, progress };
  }

  async function endTransactionsOfTheGone(): Promise<void> {
    const [members, known] = await Promise.all([claims.inbox?.hosts() ?? new Set<string>(), cursors.hosts()]);
    for (const host of known) if (!members.has(host)) await endTransaction(settings, host);
  }

  async function prepareOutbox({ partitions }: Ownership): Promise<number[]> {
    const needed = await cursors.claim(partitions);
    await readers.outbox.findLeaders();
    const starts = await Promise.all(partitions.map(async (partition) => {
      const latest = await readers.outbox.edge(partition, "latest");
      return [partition, Math.min(latest, Math.max(needed.get(partition) ?? latest, latest - TAIL_RECORDS))] as const;
    }));
    readers.outbox.own(new Map(starts));
    return partitions;
  }

  function beginInbox(owned: OwnedInbox | null): void {
    steps.own(owned);
    waiters.wakeAll();
    if (owned === null) return;
    readers.inbox.own(new Map(Array.from(owned.progress, ([partition, { end }]) => [partition, end])));
  }

  const group = { settings, onError };
  const claims: KafkaParts["claims"] = {
    inbox: owns.inbox
      ? new Claim({ ...group, group: "routers", topic: names.inbox, prepare: prepareInbox, onEra: beginInbox })
      : null,
    outbox: owns.outbox
      ? new Claim({
        ...group,
        group: "consumers",
        topic: names.outbox,
        prepare: prepareOutbox,
        onEra: () => waiters.wakeAll(),
      })
      : null,
  };

  /** Other hosts move readers too, when their API is called. */
  async function watchMoves(): Promise<void> {
    let seen = -Infinity;
    while (!stop.signal.aborted) {
      try {
        const moves = await cursors.movesOfOthers();
        // Also at the first look, which may come late: until then, readers may have been moved unseen.
        if (moves > seen) claims.outbox?.startEra();
        seen = Math.max(seen, moves);
      } catch (error) {
        onError(error);
      }
      await delay(MOVES_POLL_MS, undefined, { signal: stop.signal }).catch(() => {});
    }
  }

  async function ping(): Promise<boolean> {
    await pings.use((client) => client.metadata({ topics: [names.inbox], forceUpdate: true }));
    return true;
  }

  const watching = watchMoves();

  async function close(): Promise<void> {
    stop.abort();
    await appender[Symbol.asyncDispose]();
    await steps[Symbol.asyncDispose]();
    await Promise.all(Object.values(claims).map((claim) => claim?.[Symbol.asyncDispose]()));
    await watching;
    await Promise.all(Object.values(readers).map((reader) => reader[Symbol.asyncDispose]()));
    await cursors[Symbol.asyncDispose]();
    await Promise.all([intake, router, pings, ...fetchers].map((client) => client[Symbol.asyncDispose]()));
  }

  return new KafkaEventLog({
    topics: names,
    partitions,
    readers,
    appender,
    steps,
    cursors,
    waiters,
    claims,
    ping,
    close,
  });
}

/** Kafka ends a transaction that is open for longer. */
const TRANSACTION_MS = 8000;

/** Makes Kafka assign an id. The client would otherwise claim the id 0, which Kafka takes for another producer. */
const NEW_PRODUCER = { producerId: -1n, producerEpoch: -1 };

type Fetcher = Renewable<FetchClient>;

async function makeProducer(settings: KafkaSettings, transactional?: string): Promise<LogProducer> {
  const producer: LogProducer = guardClient(
    new Producer<Buffer, Buffer, Buffer, Buffer>({
      ...clientOptions(settings),
      idempotent: true,
      ...(transactional !== undefined && { transactionalId: transactional, timeout: TRANSACTION_MS }),
    }),
  );
  producer.on("error", () => {});
  if (transactional === undefined) {
    await producer.initIdempotentProducer(NEW_PRODUCER);
  } else {
    // The client registers its transactional id when its first transaction begins; this one is empty.
    const first = await producer.beginTransaction(NEW_PRODUCER);
    await first.cancel();
  }
  return producer;
}

async function makeFetcher(settings: KafkaSettings): Promise<FetchClient> {
  const client: FetchClient = guardClient(
    new Consumer<Buffer, Buffer, Buffer, Buffer>({
      ...clientOptions(settings),
      // The client requires a group id, but never joins the group.
      groupId: `${settings.prefix}readers`,
      isolationLevel: FetchIsolationLevels.READ_COMMITTED,
    }),
  );
  client.on("error", () => {});
  return await Promise.resolve(client);
}

/** Ends the transaction that a host left open. Until it has ended or timed out, Kafka lets nobody read past it. */
async function endTransaction(settings: KafkaSettings, host: string): Promise<void> {
  const producer = await makeProducer(settings, transactionalId(settings, host));
  await closeQuietly(producer);
}
