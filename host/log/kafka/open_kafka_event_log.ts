/**
 * Opens the event log on Kafka: creates its parts, joins the cluster, and takes over the partitions that it is
 * assigned.
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import { Connection } from "../../store/postgres/connection.ts";
import type { Topic } from "../event_log.ts";
import { Appender } from "./routing/appender.ts";
import { Claim } from "./cluster/claim.ts";
import { KnownHosts } from "./cluster/known_hosts.ts";
import { endTransaction, type Fetcher, makeFetcher, makeProducer, makeStepProducer } from "./cluster/make_clients.ts";
import { KafkaEventLog, type KafkaParts } from "./kafka_event_log.ts";
import { type KafkaSettings, topicNames } from "./cluster/kafka_settings.ts";
import type { Ownership } from "./cluster/membership.ts";
import type { PlacedRecord } from "./reading/record_codec.ts";
import { moveReadersBack } from "./reading/move_back.ts";
import { ReaderCursors } from "./reading/reader_cursors.ts";
import { readProgress } from "./routing/read_progress.ts";
import { Renewable } from "./cluster/renewable.ts";
import { type OwnedInbox, RouterSteps } from "./routing/router_steps.ts";
import { resumeRouting, type RoutingProgress } from "./routing/routing_progress.ts";
import { StoredTopic } from "./reading/stored_topic.ts";
import { TopicReader } from "./reading/topic_reader.ts";
import { checkDatabase } from "./cluster/shared_database.ts";
import { checkAssigned, ensureTopics } from "./cluster/topics.ts";
import { Waiters } from "./reading/waiters.ts";

export interface KafkaLogOptions {
  settings: KafkaSettings;
  /** The address of Postgres, which holds the positions of the outbox's readers. */
  databaseUrl: string;
  /** Of which topics the host owns partitions: of the inbox to route events, of the outbox to deliver them. */
  owns: Record<Topic, boolean>;
  onError(error: unknown): void;
  /** Told in words which partitions the host has taken over, whenever these are others than before. */
  onTakeOver?(message: string): void;
}

const APPEND_WAIT_MS = 10_000;
const WAITING_BYTES = 64 * 1024 * 1024;
const TAIL_BYTES = 64 * 1024 * 1024;
/** A tail starts at the slowest reader, but no further back than this many records. */
const TAIL_RECORDS = 20_000;
/** How often the host checks, in milliseconds, whether another host has moved a reader. */
const MOVES_POLL_MS = 1000;

/** @throws TopicError, or the error of a client when Kafka or Postgres cannot be reached */
export async function openKafkaEventLog(options: KafkaLogOptions): Promise<KafkaEventLog> {
  const { settings, databaseUrl, owns, onError } = options;
  const names = topicNames(settings);
  const partitions = await ensureTopics(settings);
  await checkDatabase(settings, databaseUrl);
  const waiters = new Waiters();
  const stop = new AbortController();
  const intake = new Renewable(() => makeProducer(settings));
  const router = new Renewable(() => makeStepProducer(settings));
  const fetchers = Array.from({ length: 4 }, () => new Renewable(() => makeFetcher(settings)));
  const pings = new Renewable(() => makeFetcher(settings));
  const [inboxTail, outboxTail, catchUp, progressClient] = fetchers as [Fetcher, Fetcher, Fetcher, Fetcher];
  const database = new Connection(databaseUrl, { maxConnections: 3 });
  const cursors = new ReaderCursors(database, settings.prefix);
  // Before the host owns anything: no reader's place is looked up earlier than this.
  let seenMoves = await cursors.movesOfOthers().catch(async (error) => {
    await cursors[Symbol.asyncDispose]();
    throw error;
  });
  const hosts = new KnownHosts(database, settings.prefix, settings.hostId);
  /** Partitions of the outbox that have lost their end, until their readers were put back. */
  const shortened = new Set<number>();
  const appender = new Appender({
    producer: intake,
    waitMs: APPEND_WAIT_MS,
    maxWaitingBytes: WAITING_BYTES,
    messageBytes: settings.messageBytes,
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
    messageBytes: settings.messageBytes,
    onError,
    onDoubt: (error) => claims.inbox?.doubt(error),
  });

  function makeReader(topic: Topic, client: Fetcher): TopicReader {
    return new TopicReader({
      stored: new StoredTopic(names[topic], catchUp),
      client,
      maxBytes: TAIL_BYTES,
      onRecords: (partition, records) => arrived(topic, partition, records),
      onLost(error, partition) {
        if (topic === "outbox" && partition !== undefined) shortened.add(partition);
        claims[topic]?.doubt(error);
      },
      onError,
    });
  }

  function arrived(topic: Topic, partition: number, records: PlacedRecord[]): void {
    if (topic === "inbox") claims.inbox?.owned?.progress.get(partition)?.arrived(records);
    for (const project of new Set(records.map(({ project }) => project))) waiters.wake(topic, project);
  }

  async function prepareInbox(ownership: Ownership, signal: AbortSignal): Promise<OwnedInbox> {
    checkAssigned(settings, ownership.partitions, partitions);
    // A new producer of the same name ends the transaction that the previous one left open, which may wait for a broker
    // that is gone.
    router.renew();
    await steps.idle();
    await hosts.note();
    await router.use(() => Promise.resolve());
    readers.inbox.own(new Map());
    const id = await readers.inbox.stored.findLeaders();
    await progressClient.use((client) => client.metadata({ topics: [names.progress], forceUpdate: true }));
    const progress = new Map<number, RoutingProgress>();
    let ending: Promise<void> | null = null;
    await Promise.all(ownership.partitions.map(async (partition) => {
      const stored = await readProgress({
        client: progressClient,
        topic: names.progress,
        partition,
        signal,
        endOthers: () => ending ??= endTransactionsOfTheGone(),
        onError,
      });
      const [first, end] = await readers.inbox.stored.edges(partition);
      const found = resumeRouting(stored, { id, first, end });
      if (found.lost) onError(notThere(names.inbox));
      progress.set(partition, found.progress);
    }));
    return { ownership, progress };
  }

  async function endTransactionsOfTheGone(): Promise<void> {
    // In this order: who is known by now is either a member or gone.
    const known = await hosts.list();
    const members = await claims.inbox?.hosts() ?? new Set<string>();
    for (const each of known) {
      if (members.has(each.host)) continue;
      await endTransaction(settings, each.host);
      await hosts.forget(each);
    }
  }

  async function prepareOutbox({ partitions }: Ownership): Promise<number[]> {
    let { epoch, needed } = await cursors.claim(partitions);
    const id = await readers.outbox.stored.findLeaders();
    const ends = new Map(
      await Promise.all(
        partitions.map(async (each) => [each, await readers.outbox.stored.edge(each, "latest")] as const),
      ),
    );
    if (await moveReadersBack(database, settings.prefix, { id, ends, shortened, epoch })) {
      onError(notThere(names.outbox));
      readers.outbox.own(new Map());
      ({ needed } = await cursors.claim(partitions));
    }
    shortened.clear();
    const starts = partitions.map((partition) => {
      const latest = ends.get(partition) ?? 0;
      return [partition, Math.min(latest, Math.max(needed.get(partition) ?? latest, latest - TAIL_RECORDS))] as const;
    });
    readers.outbox.own(new Map(starts));
    return partitions;
  }

  const told = new Map<Topic, string>();
  /** An era may begin with the same partitions as the one before. */
  function tell(topic: Topic, owned: number[]): void {
    if (told.get(topic) === owned.join()) return;
    told.set(topic, owned.join());
    options.onTakeOver?.(`Took over ${owned.length} of ${partitions} partitions of ${names[topic]}`);
  }

  function beginInbox(owned: OwnedInbox | null): void {
    steps.own(owned);
    waiters.wakeAll();
    if (owned === null) return;
    tell("inbox", owned.ownership.partitions);
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
        onEra(owned) {
          waiters.wakeAll();
          if (owned !== null) tell("outbox", owned);
        },
      })
      : null,
  };

  /** Other hosts move readers too, when their API is called. Also keeps this host known. */
  async function watch(): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        const moves = await cursors.movesOfOthers();
        if (moves > seenMoves) claims.outbox?.startEra();
        seenMoves = Math.max(seenMoves, moves);
        await hosts.renew();
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

  const watching = watch();

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
    messageBytes: settings.messageBytes,
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

function notThere(topic: string): Error {
  return new Error(
    `Cannot go on where ${topic} was read up to, because it was made anew or has lost its end: what it has now is read`,
  );
}
