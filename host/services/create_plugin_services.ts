/**
 * Builds the table of services of one plugin config. Every handler is bound to its identity, and every call is held to
 * its limits.
 * @module
 */

import { type ServiceName, SERVICES } from "../../runtime/protocol.ts";
import { createUuidGenerator } from "../../runtime/events/uuid.ts";
import type { Cache } from "../cache/cache.ts";
import type { EventLog } from "../log/event_log.ts";
import type { Jobs, PluginStorage } from "../store/store.ts";
import { createApiServices } from "./api/api.ts";
import type { ApiSettings } from "./api/api_settings.ts";
import { sizeOf } from "./check_arguments.ts";
import { createBoundNotices } from "./limits/bound_notices.ts";
import { createCacheServices } from "./cache.ts";
import { createCaptureServices } from "./capture.ts";
import { createCursorServices } from "./cursor.ts";
import { createFloodGuard, type FloodGuard } from "./limits/flood_guard.ts";
import { createGeoipServices } from "./geoip/geoip.ts";
import type { GeoipDatabase } from "./geoip/geoip_database.ts";
import { createJobServices } from "./jobs.ts";
import { createKeyedQueue } from "./keyed_queue.ts";
import type { PluginLogWriter } from "./logs.ts";
import { createMetricServices, type PluginMetrics } from "./metrics.ts";
import type { PluginIdentity } from "./plugin_identity.ts";
import type { ServiceGroup, ServiceLimits } from "./limits/service_limits.ts";
import type { PluginServices, ServiceHandler } from "./services.ts";
import { createStorageServices } from "./storage.ts";
import { createStorageAllowance } from "./limits/storage_allowance.ts";

/** The back ends of the services; the same for all plugins. */
export interface ServiceBackends {
  cache: Cache;
  storage: PluginStorage;
  jobs: Pick<Jobs, "enqueue" | "outstanding">;
  log: Pick<EventLog, "append">;
  geoip: GeoipDatabase;
  metrics: PluginMetrics;
  api: (teamId: number) => ApiSettings;
  logs: Pick<PluginLogWriter, "system">;
  limits: ServiceLimits;
  now: () => number;
  /** The version of this service. */
  version: string;
}

export function createPluginServices(backends: ServiceBackends, identity: PluginIdentity): PluginServices {
  const { limits, now } = backends;
  const notices = createBoundNotices(now, (message) => backends.logs.system(identity, "WARN", message));
  const allowance = createStorageAllowance(backends.storage, identity.pluginConfigId, limits.storageChars);

  const services: PluginServices = {
    ...createCacheServices(backends.cache, identity, limits),
    ...createStorageServices(backends.storage, identity, limits, allowance),
    ...createCursorServices(backends.storage, identity, limits, allowance),
    ...createJobServices(backends.jobs, identity, limits, now),
    ...createGeoipServices(backends.geoip),
    ...createMetricServices(backends.metrics, identity),
    ...createCaptureServices({
      log: backends.log,
      identity,
      limits,
      now,
      uuid: createUuidGenerator(now),
      version: backends.version,
      onRefused: notices.acted,
    }),
    ...createApiServices(backends.api(identity.teamId), limits),
  };

  const guards = new Map<ServiceGroup, FloodGuard>();
  const guardOf = (name: ServiceName): FloodGuard => {
    const group = groupOf(name);
    const guard = guards.get(group) ?? createFloodGuard({
      what: group,
      limits: limits.rates[group],
      maxWaitMs: limits.maxWaitMs,
      now,
      onRefused: (message) => notices.acted(group, message),
    });
    guards.set(group, guard);
    return guard;
  };

  const inOrder = createKeyedQueue();
  const guarded = SERVICES.map((name): [ServiceName, ServiceHandler] => {
    const guard = guardOf(name);
    const group = groupOf(name);
    // Async as a whole, so that an error in measuring the arguments rejects like any other.
    const handle: ServiceHandler = async (args, cause) =>
      await guard.run(sizeOf(args), () => services[name](args, cause));
    if (group !== "storage" && group !== "cache") return [name, handle];
    // A plugin that does not await `set` still expects the next `get` of the key to see the value.
    return [name, (args, cause) => {
      const [key] = args;
      return typeof key === "string" ? inOrder(`${group} ${key}`, () => handle(args, cause)) : handle(args, cause);
    }];
  });
  return Object.fromEntries(guarded) as PluginServices;
}

function groupOf(name: ServiceName): ServiceGroup {
  if (name === "posthog.capture" || name === "posthog.api") return name;
  const [group] = name.split(".");
  return group === "cursor" ? "storage" : group as ServiceGroup;
}
