/**
 * Opens what the service depends on: event log, store, cache and GeoIP database. The settings decide whether each is
 * embedded or a real server.
 * @module
 */

import { join } from "node:path";
import type { Cache } from "../cache/cache.ts";
import { openMemoryCache } from "../cache/memory_cache.ts";
import { UsageError } from "../config/read_settings.ts";
import type { Settings } from "../config/settings.ts";
import { BackEndError } from "../back_end_error.ts";
import { exists } from "../exists.ts";
import type { EventLog } from "../log/event_log.ts";
import type { Moved } from "../log/moving/move_log.ts";
import { MovingLog } from "../log/moving/moving_log.ts";
import { unmovedIn } from "../log/moving/unmoved.ts";
import { openSqliteEventLog, type SqliteLog } from "../log/sqlite_event_log.ts";
import { ROUTER } from "../router/router.ts";
import { loadWith } from "../packages/load_with.ts";
import { PACKAGE_GROUPS } from "../packages/package_groups.ts";
import { type GeoipDatabase, openGeoipDatabase } from "../services/geoip/geoip_database.ts";
import { type FileLock, lockFile } from "../sqlite/file_lock.ts";
import { openSqliteStore } from "../store/sqlite_store.ts";
import type { Store } from "../store/store.ts";
import { openLogOrRescue, openStoreOrRescue } from "./upkeep/rescue/open_or_rescue.ts";
import { openDataFolder } from "./upkeep/data_folder.ts";
import { loadInstanceId } from "./instance_id.ts";
import { type Notices, wordsOf } from "./notices.ts";

export interface BackEnds extends AsyncDisposable {
  log: EventLog;
  store: Store;
  cache: Cache;
  geoip: GeoipDatabase;
  /** Resolves when everything of the log on SQLite is in Kafka; null when nothing is moved. */
  moved: Promise<Moved> | null;
}

export interface BackEndOptions {
  settings: Settings;
  notices: Notices;
  /** Moves the log of the data folder to Kafka, and takes events meanwhile. */
  moving?: boolean;
}

const LOG_FILE = "events.db";
const STORE_FILE = "store.db";
/**
 * How long to wait for another process to release the data folder. That process may be told to stop only once this one
 * has the port.
 */
const TAKE_OVER_MS = 120_000;
const HOUR_MS = 3_600_000;

/** Creates the data folder if it is missing. Rejects with a message for the operator. */
export async function openBackEnds({ settings, notices, moving = false }: BackEndOptions): Promise<BackEnds> {
  if (settings.hostRole !== "all" && settings.kafka === null) {
    throw new UsageError([
      `HOGPEN_ROLE: found ${settings.hostRole} without HOGPEN_KAFKA, expected all: on a log of its own nobody else would process what this host stores`,
    ]);
  }
  await openDataFolder(settings.data);
  await using opened = new AsyncDisposableStack();
  // On SQLite the log has this lock itself.
  if (!moving && settings.kafka !== null) opened.use(await lockDataFolder(settings));
  const movingLog = moving ? opened.use(await openMoving(settings, notices)) : null;
  const log = movingLog ?? opened.use(
    settings.kafka === null ? await openSqlite(settings, notices) : await openKafkaAlone(settings, notices),
  );
  const store = opened.use(
    settings.databaseUrl === null
      ? await openStoreOrRescue(join(settings.data, STORE_FILE), notices, () => openStore(settings))
      : await openStore(settings),
  );
  const cache = opened.use(
    settings.redisUrl === null
      ? openMemoryCache({ maxBytes: settings.cacheMaxBytes })
      : await openRedis(settings.redisUrl),
  );
  const geoip = opened.use(
    await openGeoipDatabase({
      path: settings.geoipDb ?? undefined,
      onError: (message) => notices.warn(message),
    }),
  );
  if (settings.kafka !== null) notices.info(describeShared(settings, log.share()?.all ?? 0));
  const all = opened.move();
  return { log, store, cache, geoip, moved: movingLog?.done ?? null, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** What the host shares with others, in one line. Addresses may hold passwords, which are left out. */
function describeShared({ kafka, kafkaPrefix, hostRole, databaseUrl, redisUrl }: Settings, partitions: number): string {
  const place = (url: string | null) => url === null ? null : new URL(url).host + new URL(url).pathname;
  return `Role ${hostRole}; events in Kafka at ${kafka}, topics ${kafkaPrefix}…, ${partitions} partitions each; store in ` +
    `Postgres at ${place(databaseUrl)}; cache ${redisUrl === null ? "in memory" : `in Redis at ${place(redisUrl)}`}`;
}

/** Opens only the store, which several processes may do at once. */
export async function openStore({ databaseUrl, data, sync }: Settings): Promise<Store> {
  if (databaseUrl !== null) return await openPostgres(databaseUrl);
  return await openSqliteStore({ path: join(data, STORE_FILE), synchronous: sync });
}

/** Two processes on one data folder would be one host to Kafka, and each would take the other's partitions. */
async function lockDataFolder({ data, reusePort }: Settings): Promise<FileLock> {
  return await lockFile(join(data, `${LOG_FILE}.lock`), `the data folder ${data}`, reusePort ? TAKE_OVER_MS : 0);
}

async function openMoving(settings: Settings, notices: Notices): Promise<MovingLog> {
  await using opened = new AsyncDisposableStack();
  const from = opened.use(await openSqlite(settings, notices));
  // Nobody else has the data folder from here on.
  await copyOwnStore(settings, notices);
  const to = opened.use(await openKafka(settings, notices));
  const log = new MovingLog({
    from,
    to,
    router: ROUTER,
    onProgress: ({ inbox, outbox }, left) =>
      notices.info(
        `Moved ${inbox + outbox} events to Kafka; left: ${left.inbox} of the inbox, ${left.outbox} of the outbox`,
      ),
    onError: (error) => notices.warn(`Cannot move events to Kafka, trying again: ${wordsOf(error)}`),
  });
  opened.move();
  return log;
}

/** What the host has kept on SQLite so far, when its store is to be Postgres from now on. */
async function copyOwnStore({ databaseUrl, data }: Settings, notices: Notices): Promise<void> {
  const path = join(data, STORE_FILE);
  if (databaseUrl === null || !await exists(path)) return;
  const { copyStore } = await import("../store/copy_store.ts");
  const moved = await copyStore({ path, databaseUrl, name: await loadInstanceId(data) });
  if (moved === null) return;
  const rows = Object.entries(moved).filter(([, count]) => count > 0).map(([table, count]) => `${count} ${table}`);
  notices.info(`Copied from ${path} to Postgres: ${rows.join(", ") || "nothing"}`);
}

async function openSqlite(settings: Settings, notices: Notices): Promise<SqliteLog> {
  const path = join(settings.data, LOG_FILE);
  return await openLogOrRescue(path, notices, () =>
    openSqliteEventLog({
      path,
      synchronous: settings.sync,
      maxBytes: settings.logMaxBytes,
      retentionMs: settings.logRetentionHours * HOUR_MS,
      retentionBytes: settings.logRetentionBytes,
      onDamage: notices.error,
      waitMs: settings.reusePort ? TAKE_OVER_MS : 0,
    }));
}

// The clients of Kafka, Postgres and Redis take longer to load than everything else, so they are loaded only if they
// are used.

/** Refuses to leave events behind in the log that the data folder has from before. */
async function openKafkaAlone(settings: Settings, notices: Notices): Promise<EventLog> {
  const path = join(settings.data, LOG_FILE);
  const { inbox, outbox } = await unmovedIn(path, ROUTER);
  if (inbox + outbox > 0) {
    throw new BackEndError(
      `Cannot start on Kafka: ${path} has ${inbox} events that were not processed and ${outbox} that were not delivered ` +
        "to everybody; run hogpen migrate --to kafka first, or put the file aside to give them up",
    );
  }
  return await openKafka(settings, notices);
}

async function openKafka(settings: Settings, notices: Notices): Promise<EventLog> {
  const { openKafkaFromSettings } = await loadWith<typeof import("../log/kafka/kafka_from_settings.ts")>(
    PACKAGE_GROUPS.kafka,
    new URL("../log/kafka/kafka_from_settings.ts", import.meta.url),
    { purpose: "for the event log on Kafka" },
  );
  const hostId = await loadInstanceId(settings.data);
  return await openKafkaFromSettings(settings, hostId, notices);
}

async function openPostgres(url: string): Promise<Store> {
  const { openPostgresStore } = await import("../store/postgres_store.ts");
  return await openPostgresStore(url);
}

async function openRedis(url: string): Promise<Cache> {
  const { openRedisCache } = await import("../cache/redis_cache.ts");
  return await openRedisCache(url);
}
