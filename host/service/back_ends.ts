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
import type { EventLog } from "../log/event_log.ts";
import { openSqliteEventLog } from "../log/sqlite_event_log.ts";
import { loadWith } from "../packages/load_with.ts";
import { PACKAGE_GROUPS } from "../packages/package_groups.ts";
import { type GeoipDatabase, openGeoipDatabase } from "../services/geoip/geoip_database.ts";
import { openSqliteStore } from "../store/sqlite_store.ts";
import type { Store } from "../store/store.ts";
import { openLogOrRescue, openStoreOrRescue } from "./upkeep/rescue/open_or_rescue.ts";
import { openDataFolder } from "./upkeep/data_folder.ts";
import { loadInstanceId } from "./instance_id.ts";
import type { Notices } from "./notices.ts";

export interface BackEnds extends AsyncDisposable {
  log: EventLog;
  store: Store;
  cache: Cache;
  geoip: GeoipDatabase;
}

const STORE_FILE = "store.db";
/**
 * How long to wait for another process to release the data folder. That process may be told to stop only once this one
 * has the port.
 */
const TAKE_OVER_MS = 120_000;
const HOUR_MS = 3_600_000;

/** Creates the data folder if it is missing. Rejects with a message for the operator. */
export async function openBackEnds(settings: Settings, notices: Notices): Promise<BackEnds> {
  if (settings.hostRole !== "all" && settings.kafka === null) {
    throw new UsageError([
      `HOGPEN_ROLE: found ${settings.hostRole} without HOGPEN_KAFKA, expected all: on a log of its own nobody else would process what this host stores`,
    ]);
  }
  await openDataFolder(settings.data);
  await using opened = new AsyncDisposableStack();
  const log = opened.use(
    settings.kafka === null ? await openSqlite(settings, notices) : await openKafka(settings, notices),
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
  const all = opened.move();
  return { log, store, cache, geoip, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** Opens only the store, which several processes may do at once. */
export async function openStore({ databaseUrl, data, sync }: Settings): Promise<Store> {
  if (databaseUrl !== null) return await openPostgres(databaseUrl);
  return await openSqliteStore({ path: join(data, STORE_FILE), synchronous: sync });
}

async function openSqlite(settings: Settings, notices: Notices): Promise<EventLog> {
  const path = join(settings.data, "events.db");
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

async function openKafka(settings: Settings, notices: Notices): Promise<EventLog> {
  const { openKafkaFromSettings } = await loadWith<typeof import("../log/kafka/kafka_from_settings.ts")>(
    PACKAGE_GROUPS.kafka,
    new URL("../log/kafka/kafka_from_settings.ts", import.meta.url),
    { purpose: "for the event log on Kafka" },
  );
  const hostId = await loadInstanceId(settings.data);
  return await openKafkaFromSettings(settings, hostId, notices.warn);
}

async function openPostgres(url: string): Promise<Store> {
  const { openPostgresStore } = await import("../store/postgres_store.ts");
  return await openPostgresStore(url);
}

async function openRedis(url: string): Promise<Cache> {
  const { openRedisCache } = await import("../cache/redis_cache.ts");
  return await openRedisCache(url);
}
