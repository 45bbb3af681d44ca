/**
 * The services of one plugin config on real back ends: cache in memory, store and event log on SQLite.
 * @module
 */

import { join } from "node:path";
import type { Cause, PluginServices } from "../host/services/services.ts";
import { openMemoryCache } from "../host/cache/memory_cache.ts";
import type { Cache } from "../host/cache/cache.ts";
import type { EventLog, StoredRecord } from "../host/log/event_log.ts";
import { openSqliteEventLog } from "../host/log/sqlite_event_log.ts";
import { createPluginServices, type ServiceBackends } from "../host/services/create_plugin_services.ts";
import { createPluginMetrics, type PluginMetrics } from "../host/services/metrics.ts";
import type { PluginIdentity } from "../host/services/plugin_identity.ts";
import { DEFAULT_SERVICE_LIMITS, type ServiceLimits } from "../host/services/limits/service_limits.ts";
import type { Store } from "../host/store/store.ts";
import { openSqliteStore } from "../host/store/sqlite_store.ts";
import type { ServiceName } from "../runtime/protocol.ts";

export interface TestServices extends AsyncDisposable {
  cache: Cache;
  metrics: PluginMetrics;
  store: Store;
  log: EventLog;
  /** What the service said in the plugins' logs. */
  notices: string[];
  /** The clock; set it to move it. */
  time: number;
  /** The table of a plugin config. */
  of(identity?: Partial<PluginIdentity>): PluginServices;
  /** Calls a service of plugin config 39 as its cell would. */
  call(name: ServiceName, args: unknown[], cause?: Cause): Promise<unknown>;
  /** What was captured for team 2, oldest first. */
  captured(): Promise<{ event: Record<string, unknown>; record: StoredRecord }[]>;
}

export const IDENTITY: PluginIdentity = { pluginConfigId: 39, teamId: 2, pluginName: "test-plugin" };

/** A cause for an event that lies this deep. */
export function eventCause(depth = 0): Cause {
  return { kind: "event", depth, captured: 0 };
}

export const OTHER: Cause = { kind: "other", depth: 0, captured: 0 };

export async function openTestServices(
  limits: Partial<ServiceLimits> = {},
  more: Partial<ServiceBackends> = {},
): Promise<TestServices> {
  const folder = await Deno.makeTempDir({ prefix: "hogpen_test_" });
  const store = await openSqliteStore({ path: join(folder, "store.db"), synchronous: "off" });
  const log = await openSqliteEventLog({ path: join(folder, "log.db"), synchronous: "off" });
  const services: TestServices = {
    cache: openMemoryCache({ now: () => services.time }),
    metrics: createPluginMetrics(),
    store,
    log,
    notices: [] as string[],
    time: Date.UTC(2021, 0, 20, 12),
    of(identity: Partial<PluginIdentity> = {}) {
      return createPluginServices(backends, { ...IDENTITY, ...identity });
    },
    call: (name: ServiceName, args: unknown[], cause: Cause = OTHER) => table[name](args, cause),
    async captured() {
      const records = await log.read("inbox", IDENTITY.teamId, "", { maxEvents: 10_000, maxBytes: 1e9 });
      return records.map((record) => ({ event: JSON.parse(new TextDecoder().decode(record.event)), record }));
    },
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await log[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
  const backends: ServiceBackends = {
    cache: services.cache,
    storage: store.storage,
    jobs: store.jobs,
    log,
    geoip: { locate: () => null },
    metrics: services.metrics,
    api: () => ({ host: null, personalApiKey: null, projectApiKey: null, projectId: "2" }),
    logs: { system: (_owner, _type, message) => services.notices.push(message) },
    limits: { ...DEFAULT_SERVICE_LIMITS, ...limits },
    now: () => services.time,
    version: "0.0.0",
    ...more,
  };
  const table = services.of();
  return services;
}
