/**
 * Makes sure that all hosts on one log use one database. Each database has an id for the log, and the first one that
 * was used is noted in the progress topic: readers of progress leave that record out, and compaction keeps it.
 * @module
 */

import { Buffer } from "node:buffer";
import { FetchIsolationLevels, type RecordsBatch } from "@platformatic/kafka";
import { BackEndError } from "../../../back_end_error.ts";
import { Connection } from "../../../store/postgres/connection.ts";
import type { FetchClient } from "../reading/committed_records.ts";
import { type KafkaSettings, topicNames } from "./kafka_settings.ts";
import { LogTables } from "./log_tables.ts";
import { makeFetcher, makeProducer } from "./make_clients.ts";
import { closeQuietly } from "./renewable.ts";
import { TopicError } from "./topics.ts";

const PARTITION = 0;
/** The id is part of the key too, so that the first of two records stays when both are compacted. */
const KEY = "database ";
const FETCH_BYTES = 1024 * 1024;

/**
 * @throws TopicError when the log belongs to another database, BackEndError when Postgres cannot be used, and the
 * client's error when Kafka cannot
 */
export async function checkDatabase(settings: KafkaSettings, databaseUrl: string): Promise<void> {
  const own = await databaseId(databaseUrl, settings.prefix);
  const fetcher = await makeFetcher(settings);
  try {
    const noted = await findNoted(fetcher, settings) ?? await note(fetcher, settings, own);
    if (noted === own) return;
    throw new TopicError(
      `Cannot use the database of DATABASE_URL: the topics ${settings.prefix}… belong to another one, in which their ` +
        "readers and plugins are; give all hosts on these topics the same DATABASE_URL, or choose another " +
        `HOGPEN_KAFKA_PREFIX. If that database is lost, stop all hosts and delete the topic ` +
        `${topicNames(settings).progress}: everything that the inbox still has is processed again then`,
    );
  } finally {
    await closeQuietly(fetcher);
  }
}

/** The id of the log in this database, which is made once. */
async function databaseId(databaseUrl: string, log: string): Promise<string> {
  try {
    return await readId(databaseUrl, log);
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    throw new BackEndError(`Cannot start without Postgres: ${found}. Check DATABASE_URL and that Postgres runs`, {
      cause: error,
    });
  }
}

async function readId(databaseUrl: string, log: string): Promise<string> {
  await using db = new Connection(databaseUrl, { maxConnections: 1 });
  await new LogTables(db).ready();
  const [row] = await db.run("always", async (sql) => {
    await sql`INSERT INTO hogpen_log_ids (log, id) VALUES (${log}, ${crypto.randomUUID()}) ON CONFLICT DO NOTHING`;
    return await sql<{ id: string }[]>`SELECT id FROM hogpen_log_ids WHERE log = ${log}`;
  });
  if (row === undefined) throw new Error(`Cannot find the id of the log ${log} in Postgres, where it was just stored`);
  return row.id;
}

/** Another host may note its database at the same time; the first one holds for all. */
async function note(fetcher: FetchClient, settings: KafkaSettings, id: string): Promise<string | null> {
  const producer = await makeProducer(settings);
  try {
    const record = { key: Buffer.from(KEY + id), value: Buffer.from(id), timestamp: BigInt(Date.now()) };
    const topic = topicNames(settings).progress;
    await producer.send({ messages: [{ topic, partition: PARTITION, ...record }], acks: -1 });
  } finally {
    await closeQuietly(producer);
  }
  return await findNoted(fetcher, settings);
}

/** Null when none was noted. It is looked for from the start, near which it stands: it is older than any progress. */
async function findNoted(fetcher: FetchClient, settings: KafkaSettings): Promise<string | null> {
  const topic = topicNames(settings).progress;
  const query = { topics: [topic], partitions: { [topic]: [PARTITION] }, timestamp: -2n };
  let from = (await fetcher.listOffsets(query)).get(topic)?.[PARTITION] ?? 0n;
  for (;;) {
    const batches = await fetchAll(fetcher, topic, from);
    const last = batches.at(-1);
    if (last === undefined) return null;
    const noted = batches.flatMap(({ records }) => records).find(({ key }) => key?.toString().startsWith(KEY));
    if (noted !== undefined) return noted.value?.toString() ?? null;
    from = last.firstOffset + BigInt(last.lastOffsetDelta) + 1n;
  }
}

/** Records of open transactions too: the one that is looked for is in none, and must not wait for them. */
async function fetchAll(fetcher: FetchClient, topic: string, fetchOffset: bigint): Promise<RecordsBatch[]> {
  const found = (await fetcher.metadata({ topics: [topic] })).topics.get(topic);
  const node = found?.partitions[PARTITION]?.leader;
  if (found === undefined || node === undefined) throw new Error(`Cannot read topic ${topic}: Kafka does not have it`);
  const range = { fetchOffset, currentLeaderEpoch: -1, lastFetchedEpoch: -1, partitionMaxBytes: FETCH_BYTES };
  const { responses } = await fetcher.fetch({
    node,
    maxWaitTime: 0,
    minBytes: 1,
    maxBytes: FETCH_BYTES,
    isolationLevel: FetchIsolationLevels.READ_UNCOMMITTED,
    topics: [{ topicId: found.id, partitions: [{ partition: PARTITION, ...range }] }],
  });
  return responses.flatMap(({ partitions }) => partitions).flatMap(({ records }) => records ?? []);
}
