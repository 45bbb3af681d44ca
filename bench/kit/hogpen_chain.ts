/**
 * Our own way from inbox to outbox, without disk and HTTP: real cells, real router, an event log in memory.
 * @module
 */

import { openMemoryCache } from "../../host/cache/memory_cache.ts";
import { createPluginRecords } from "../../host/cells/plugin_records.ts";
import { builtSandbox } from "../../host/cells/process/built_sandbox.ts";
import { startCellProcess } from "../../host/cells/process/cell_process.ts";
import { ProcessWatch } from "../../host/cells/process/process_watch.ts";
import { systemClock } from "../../host/clock.ts";
import type { HogpenConfig, PluginConfig, ProjectConfig } from "../../host/config/config.ts";
import { loadPlugin } from "../../host/loader/load_plugin.ts";
import { createPluginSet } from "../../host/service/plugin_set.ts";
import { createProjectRouters } from "../../host/service/project_routers.ts";
import { createPluginServices } from "../../host/services/create_plugin_services.ts";
import { createPluginLogWriter } from "../../host/services/logs.ts";
import { createPluginMetrics } from "../../host/services/metrics.ts";
import { DEFAULT_SERVICE_LIMITS } from "../../host/services/limits/service_limits.ts";
import { openSqliteStore } from "../../host/store/sqlite_store.ts";
import { createTelemetry } from "../../host/telemetry/telemetry.ts";
import { createUuidGenerator } from "../../runtime/events/uuid.ts";
import { workloadEvent } from "../workload.ts";
import type { Contender } from "./contender.ts";
import { createMemoryLog } from "./memory_log.ts";

const TEAM = 1;
/** Events that wait in the inbox at least, so that the router never does. */
const WAITING = 2000;
const PART = 100;

export interface ChainOptions {
  sources: string[];
  /** What an operator says of the project. */
  isolation: ProjectConfig["isolation"];
  /** Whether what happens is counted and watched, as it is in the service; true by default. */
  isWatched?: boolean;
}

export async function hogpenChain(
  name: string,
  { sources, isolation, isWatched = true }: ChainOptions,
): Promise<Contender> {
  await using opened = new AsyncDisposableStack();
  const now = Date.now;
  const folder = await Deno.makeTempDir({ prefix: "hogpen_bench_" });
  opened.defer(() => Deno.remove(folder, { recursive: true }));
  const store = opened.use(await openSqliteStore({ path: `${folder}/store.db`, synchronous: "normal" }));
  const cache = opened.use(openMemoryCache());
  const uuid = createUuidGenerator(now);
  const onError = (message: string) => console.error(message);
  const logs = opened.use(
    createPluginLogWriter({
      store: store.logs,
      limits: DEFAULT_SERVICE_LIMITS.console,
      instanceId: "bench",
      now,
      uuid,
      onError,
    }),
  );
  const records = opened.use(createPluginRecords({ store: store.pluginConfigs, logs, now, onError }));
  const log = createMemoryLog(now);
  const backends = {
    cache,
    storage: store.storage,
    jobs: store.jobs,
    log,
    geoip: { locate: () => null },
    api: () => ({ host: null, personalApiKey: null, projectApiKey: null, projectId: "1" }),
    logs,
    metrics: createPluginMetrics(),
    limits: DEFAULT_SERVICE_LIMITS,
    now,
    version: "0.0.0",
  };
  const watch = opened.use(new ProcessWatch());
  const telemetry = isWatched
    ? opened.use(createTelemetry({ store, now, plugins: () => [], consumers: () => Promise.resolve([]), onError }))
    : null;
  const sandbox = await builtSandbox();
  const plugins = createPluginSet({
    startProcess: (limits) => startCellProcess(limits, sandbox),
    ...(telemetry && { meter: telemetry.plugins }),
    apart: { reasonOf: () => null, move: () => {} },
    load: (config) => loadPlugin(config.source),
    services: (identity) => createPluginServices(backends, identity),
    records,
    deadLetters: store.deadLetters,
    watch,
    clock: systemClock,
    instanceId: "bench",
    retireAfterMs: null,
    onNotice: () => {},
  });
  const config = configure(sources, isolation);
  await plugins.apply(config);
  const runtimes = plugins.runtimes();
  opened.defer(async () => void await Promise.all(runtimes.map((runtime) => runtime[Symbol.asyncDispose]())));
  await Promise.all(runtimes.map((runtime) => runtime.ready()));
  const routers = opened.use(
    createProjectRouters({
      log,
      clock: systemClock,
      plugins,
      ...(telemetry && { observer: telemetry.observer }),
      onError: (_, error) => console.error(error),
    }),
  );
  await routers.apply(config);

  const encoder = new TextEncoder();
  const events = Array.from({ length: 2000 }, (_, index) => {
    const event = workloadEvent(index);
    return { key: String(event.distinct_id), event: encoder.encode(JSON.stringify(event)) };
  });
  let next = 0;
  async function fill(): Promise<void> {
    while (log.waiting < WAITING) {
      await log.append("inbox", TEAM, events.slice(next, next + PART));
      next = (next + PART) % events.length;
    }
  }

  const all = opened.move();
  const cells = runtimes.flatMap((runtime) => runtime.pluginConfigIds.map((id) => runtime.status(id).pid));
  return {
    name,
    pids: [Deno.pid, ...new Set(cells.filter((pid) => pid !== null))],
    async run(milliseconds) {
      await fill();
      await log.stepped();
      const before = log.processed.events;
      const begin = performance.now();
      while (performance.now() - begin < milliseconds) {
        await fill();
        await log.stepped();
      }
      const rate = (log.processed.events - before) / (performance.now() - begin) * 1000;
      // The next contender gets a quiet machine.
      while (log.waiting > 0) await log.stepped();
      return rate;
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function configure(sources: string[], isolation: ProjectConfig["isolation"]): HogpenConfig {
  const plugins = sources.map((inline, index): PluginConfig => ({
    id: index + 1,
    teamId: TEAM,
    source: { inline, name: `plugin ${index + 1}` },
    enabled: true,
    order: index,
    config: { greeting: "hello" },
    attachments: {},
    timeoutSeconds: 30,
    memoryMb: 256,
    egress: { allow: [] },
    cell: null,
  }));
  return {
    projects: [{
      id: TEAM,
      name: "bench",
      token: "phc_bench",
      anonymizeIps: false,
      isolation,
      plugins,
      destinations: [],
    }],
  };
}
