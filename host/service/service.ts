/**
 * The whole service: builds every part once, applies configurations, and takes everything down in order.
 * @module
 */

import { join } from "node:path";
import { createOutages } from "../upstream/outages.ts";
import { createStaleCache } from "../upstream/stale_cache.ts";
import { readProxies } from "../config/trusted_proxies.ts";
import { createUuidGenerator } from "../../runtime/events/uuid.ts";
import { createAlertBook } from "../alerts/alert_book.ts";
import { createPluginRecords } from "../cells/plugin_records.ts";
import { builtSandbox } from "../cells/process/built_sandbox.ts";
import { startCellProcess } from "../cells/process/cell_process.ts";
import { createStartGate } from "../cells/process/start_gate.ts";
import { ProcessWatch } from "../cells/process/process_watch.ts";
import { systemClock } from "../clock.ts";
import type { HogpenConfig } from "../config/config.ts";
import { dutiesOf, elsewhereOf } from "../config/host_role.ts";
import type { Settings } from "../config/settings.ts";
import { createConsumers } from "../consumers/consumers.ts";
import { planConsumers } from "../consumers/plan_consumers.ts";
import { requeueDeadLetter } from "../consumers/requeue_dead_letter.ts";
import type { EventLog } from "../log/event_log.ts";
import type { Moved } from "../log/moving/move_log.ts";
import type { HostedPlugins } from "../loader/hosted_plugin.ts";
import { inspectPlugin } from "../dry_run/inspect_plugin.ts";
import { dryRun } from "../dry_run/dry_run.ts";
import { createSink } from "../destinations/create_sink.ts";
import { createApps } from "../http/app.ts";
import { createLiveFeed } from "../http/live/live_feed.ts";
import { publishLog, publishSighting } from "../http/live/publish.ts";
import { watchService } from "../http/live/watch_service.ts";
import { openServers } from "../http/listen/servers.ts";
import { createJobQueue } from "../jobs/job_queue.ts";
import { createPluginPackages } from "../packages/plugin_packages.ts";
import { createJobRunner } from "../jobs/job_runner.ts";
import { routerLag } from "../router/router_lag.ts";
import { createScheduler } from "../schedule/scheduler.ts";
import { createPluginLogWriter } from "../services/logs.ts";
import { createPluginServices } from "../services/create_plugin_services.ts";
import { createPluginMetrics } from "../services/metrics.ts";
import { loadTracing } from "../telemetry/spans/load_tracing.ts";
import { createTelemetry } from "../telemetry/telemetry.ts";
import { openApart } from "./apart.ts";
import { createApiPlugins } from "./api_plugins.ts";
import { createRestingManifests } from "./resting_manifests.ts";
import { openBackEnds } from "./back_ends.ts";
import { keepAudit } from "./upkeep/keep_audit.ts";
import { observe } from "./upkeep/observe.ts";
import { openManaged } from "./upkeep/managed.ts";
import { showSettings } from "./upkeep/show_settings.ts";
import { testDestination } from "./upkeep/test_destination.ts";
import { followStore } from "./cluster/follow_store.ts";
import { reportHost } from "./cluster/report_host.ts";
import { watchOwners } from "./cluster/watch_owners.ts";
import { revisionOf } from "./cluster/revision.ts";
import { loadInstanceId } from "./instance_id.ts";
import { createPluginLoader } from "./load_plugins.ts";
import { type Notices, wordsOf } from "./notices.ts";
import { createPluginSet } from "./plugin_set.ts";
import { createHostReports } from "../store/host_reports.ts";
import { createProjectRouters } from "./project_routers.ts";
import { createRunningConfig } from "./changes/running_config.ts";
import { rateLimits, serviceLimits } from "./service_limits.ts";
import { stopInOrder } from "./stop_in_order.ts";

export interface ServiceOptions {
  settings: Settings;
  config: HogpenConfig;
  adminToken: string;
  notices: Notices;
  version: string;
  /** Moves the event log of the data folder to Kafka, and does nothing but take events meanwhile and afterwards. */
  moving?: boolean;
}

export interface Service extends AsyncDisposable {
  /** The address that it listens on. */
  readonly url: string;
  /** The address of the API, the web page and /metrics. It is the same address unless they have a port of their own. */
  readonly adminUrl: string;
  readonly plugins: ReturnType<typeof createApiPlugins>;
  /** For looking at what came in and what became of it. */
  readonly log: Pick<EventLog, "read" | "waitForRecords" | "cursor" | "lag">;
  /** Resolves when everything of the log on SQLite is in Kafka; null when nothing is moved. */
  readonly moved: Promise<Moved> | null;
  /** Resolves when every plugin is running or disabled. Rejects if the configuration could not be applied. */
  ready(): Promise<void>;
  /**
   * Applies a new configuration, and reloads the plugin configs in `anew` in any case. Calls run one after the other.
   */
  apply(config: HogpenConfig, anew?: ReadonlySet<number>): Promise<void>;
  /**
   * Ends intake, finishes work in flight, tears the plugins down, and closes. Takes 15 s at most, whatever a plugin
   * does.
   */
  [Symbol.asyncDispose](): Promise<void>;
}

/** How long a stop waits for work in flight, and then for the plugins to end. */
const DRAIN_MS = 3_000;
const PLUGINS_MS = 8_000;
const CLOSE_MS = 3_000;

export async function startService(options: ServiceOptions): Promise<Service> {
  const { settings, notices } = options;
  const clock = systemClock;
  const now = clock.now;
  const uuid = createUuidGenerator(now);
  const onError = (what: string) => (error: unknown) => notices.warn(`${what}: ${wordsOf(error)}`);

  // Opened before another process releases the data folder: requests that come in the meantime wait here, and none is
  // refused.
  const early = settings.reusePort ? openServers(settings, notices) : null;
  await using opened = new AsyncDisposableStack();
  const { log, store, cache, geoip, moved } = opened.use(await openBackEnds(options));
  const tracing = await loadTracing(options.version);
  const tracedLog = tracing?.log(log) ?? log;
  // From here on the data folder belongs to this process alone.
  const instanceId = await loadInstanceId(settings.data);
  const { managed, seal } = await openManaged(settings, store, notices);
  // All hosts on one Postgres know its address, and someone who may only read the API does not.
  const revisionKey = settings.databaseUrl ?? crypto.randomUUID();
  let revision = "";
  let file = options.config;
  const config = await managed.combine(file);
  const loader = opened.use(await createPluginLoader(settings));
  const limits = serviceLimits(settings);
  const audit = keepAudit(store.audit, settings.auditDays, now, onError("Audit"));
  const feed = createLiveFeed();
  const logs = createPluginLogWriter({
    store: store.logs,
    limits: limits.console,
    instanceId,
    now,
    uuid,
    onEntry: (entry) => publishLog(feed, entry),
    onError: notices.warn,
  });
  const records = createPluginRecords({ store: store.pluginConfigs, logs, now, onError: notices.warn });
  const watch = new ProcessWatch();
  const sandbox = await builtSandbox();
  const packages = opened.use(createPluginPackages({ clock, onNotice: notices.info, onTrouble: notices.warn }));

  const apiSettings = {
    host: settings.posthogHost,
    personalApiKey: settings.posthogPersonalApiKey,
    projectApiKey: settings.posthogProjectApiKey,
    projectId: settings.posthogProjectId,
  };
  /** Set below. Plugins enqueue jobs, which wake the runner, which in turn needs the plugins. */
  let wakeJobs = (): void => {};
  const pluginMetrics = createPluginMetrics();
  const backends = {
    cache,
    storage: store.storage,
    jobs: createJobQueue(store.jobs, { clock, wake: () => wakeJobs() }),
    log: tracedLog,
    geoip,
    metrics: pluginMetrics,
    api: () => apiSettings,
    logs,
    limits,
    now,
    version: options.version,
  };
  const telemetry = createTelemetry({
    store,
    now,
    plugins: () => api.list(),
    consumers: () => consumers.list(),
    onError: notices.warn,
    onSighting: (sighting) => publishSighting(feed, sighting),
  });
  await telemetry.traces.look();
  const apart = await openApart({
    store: store.settings,
    now,
    onMoved: () => void applyLater().catch(onError("Plugins")),
    onError: onError("Plugins"),
  });
  const plugins = createPluginSet({
    apart,
    load: loader.load,
    services: (identity) => createPluginServices(backends, identity),
    records,
    meter: telemetry.plugins,
    deadLetters: store.deadLetters,
    watch,
    startGate: createStartGate(navigator.hardwareConcurrency),
    packages,
    clock,
    instanceId,
    // With an event log that several hosts share, this host may never receive events for a plugin.
    lazy: settings.kafka !== null,
    startProcess: (limits) => startCellProcess(limits, sandbox),
    retireAfterMs: settings.pluginIdleSeconds === 0 ? null : settings.pluginIdleSeconds * 1000,
    onNotice: (message, level) => notices[level](message),
  });

  const routers = createProjectRouters({
    log: tracedLog,
    clock,
    plugins,
    observer: tracing?.observer(telemetry.observer) ?? telemetry.observer,
    onError: (project, error) => notices.warn(`Router of project ${project.id}: ${wordsOf(error)}`),
  });
  const consumers = createConsumers({
    log,
    store,
    clock,
    hostId: settings.kafka === null ? null : instanceId,
    meter: telemetry.counters.consumers,
    drainMs: DRAIN_MS,
    onError: (id, error) => notices.warn(`Consumer ${id}: ${wordsOf(error)}`),
  });
  const { routes, delivers } = dutiesOf(settings.hostRole);
  // Who delivers runs jobs and schedules too, so that hosts that process events have nothing else to do.
  const host = {
    plugins: delivers ? plugins.hosted : NO_PLUGINS,
    journal: records,
    clock,
    owner: instanceId,
    drainMs: DRAIN_MS,
  };
  const jobs = createJobRunner({ ...host, store, onError: onError("Jobs") });
  wakeJobs = jobs.wake;
  const scheduler = createScheduler({ ...host, store, onError: onError("Schedule") });

  const running = createRunningConfig(config, {
    routes,
    delivers,
    plugins,
    routers,
    async planConsumers(of) {
      const plan = planConsumers(of, {
        plugins: plugins.hosted,
        journal: records,
        jobs: store.jobs,
        clock,
        openDestination(project, destination) {
          const { batching, filter } = createSink(destination, { project });
          const openSink = () => createSink(destination, { project }).sink;
          return { openSink, batching, ...(filter ? { filter } : {}) };
        },
      });
      const run = tracing === null
        ? plan.run
        : plan.run.map((spec) => ({ ...spec, openSink: () => tracing.sink(spec.openSink(), spec) }));
      await consumers.apply({ ...plan, run });
      scheduler.refresh();
      jobs.wake();
    },
    onError: onError("Consumers"),
  });

  async function applyNow(next: HogpenConfig, anew?: ReadonlySet<number>): Promise<void> {
    await running.apply(next, anew);
    revision = revisionOf(next, revisionKey);
    await soon(resting.update(next), clock);
  }

  const elsewhere = elsewhereOf(settings.hostRole);
  const resting = createRestingManifests(loader.open, routes || delivers);

  const versionOf = (id: number) => managed.current().plugins.get(id)?.version ?? null;
  const api = createApiPlugins(() => running.current, plugins.hosted, resting, versionOf, {
    reasonOf: apart.reasonOf,
    async release(id) {
      if (await apart.release(id)) await soon(applyLater(), clock);
    },
  }, elsewhere.plugins);
  function applyLater(anew?: ReadonlySet<number>): Promise<void> {
    applying = applying.catch(() => {}).then(async () => await applyNow(await managed.combine(file), anew));
    return applying;
  }
  const outages = createOutages(now);
  const self = { id: instanceId, role: settings.hostRole, version: options.version, startedAt: now() };
  const own = () =>
    reportHost({
      self: { ...self, url: servers.open.url },
      revision,
      log,
      projects: running.current.projects.map(({ id }) => id),
      consumers,
      now,
    });
  const hosts = createHostReports({ settings: store.settings, now, own });
  const alerts = createAlertBook({
    things: store.things,
    seal,
    now,
    onError: notices.warn,
    observed: observe({
      plugins: api,
      consumers,
      store,
      log,
      outages,
      projects: () => running.current.projects,
      unowned: watchOwners({ log, hosts, now }),
      now,
    }),
  });
  const apps = createApps({
    version: options.version,
    adminToken: options.adminToken,
    metricsToken: settings.metricsToken,
    rateLimits: rateLimits(settings, now),
    trustProxy: readProxies(settings.trustProxy),
    clientIpHeader: settings.clientIpHeader,
    pathPrefix: settings.pathPrefix,
    upstreamCache: createStaleCache(join(settings.data, "upstream")),
    onUpstreamError: notices.warn,
    outages,
    projects: () => running.current.projects,
    log: tracedLog,
    routerLag: (project) => routerLag(log, project),
    ...(tracing && { onRoute: tracing.route }),
    dataFolder: settings.data,
    store,
    plugins: api,
    consumers,
    elsewhere,
    pluginMetrics,
    feed,
    managed: {
      things: managed,
      apply: (anew) => soon(applyLater(anew), clock),
      file: () => ({ path: settings.config, config: file }),
    },
    alerts,
    schedule: scheduler,
    ui: settings.ui,
    settings: showSettings(settings),
    testDestination: async (project, id) => {
      const destination = project.destinations.find((each) => each.id === id);
      if (destination !== undefined) await testDestination(project, destination, now());
    },
    inspect: (config) =>
      inspectPlugin({ config, load: () => loader.load(config), open: () => loader.open(config), backends }),
    dryRun: ({ plugins, ...request }) =>
      dryRun({
        ...request,
        plugins: plugins.map((config) => ({ config, load: () => loader.load(config) })),
        backends,
      }),
    telemetry,
    requeue: (letter) => requeueDeadLetter(letter, { log, redeliver: consumers.redeliver }),
    onJobEnqueued: jobs.wake,
    hosts,
    backEnds: [
      { name: settings.databaseUrl === null ? "the store (SQLite)" : "the store (Postgres)", ping: () => store.ping() },
      { name: settings.redisUrl === null ? "the cache (memory)" : "the cache (Redis)", ping: () => cache.ping() },
    ],
    now,
  }, { separate: settings.adminPort !== null });
  const watched = { plugins: api, consumers, counters: telemetry.counters, jobs: store.jobs };
  const watching = watchService(feed, watched);
  async function takeOverReasons(): Promise<void> {
    for (const { pluginConfigId, disabledReason } of await records.takeOver()) {
      plugins.hosted.get(pluginConfigId)?.runtime.follow(pluginConfigId, disabledReason);
    }
  }
  // Intake starts first: events that arrive while plugins are loaded wait in the inbox.
  const servers = early ?? openServers(settings, notices);
  servers.answer(apps);
  let applying = applyNow(config);
  applying.catch(() => {});
  const following = followStore({
    clock,
    looks: [
      async () => {
        // Not awaited, so that a slow plugin does not delay the other checks.
        if (await managed.reload()) applyLater().catch(onError("Changes"));
      },
      async () => {
        if (await apart.look()) applyLater().catch(onError("Plugins"));
      },
      consumers.takeOverChanges,
      takeOverReasons,
      telemetry.traces.look,
      // A host with a store of its own is the only one there is.
      ...settings.databaseUrl === null ? [] : [hosts.report],
    ],
    onError: onError("Changes"),
  });

  const all = opened.move();
  let stopping: Promise<void> | undefined;
  async function stop(): Promise<void> {
    const runtimes = plugins.runtimes();
    feed[Symbol.dispose]();
    await stopInOrder(
      [
        { what: "intake", ms: DRAIN_MS, stop: () => end(servers) },
        {
          what: "what is in flight",
          ms: DRAIN_MS,
          stop: () => Promise.all([following, applying, routers, consumers, jobs, scheduler].map(end)),
        },
        { what: "the plugins", ms: PLUGINS_MS, stop: () => Promise.all(runtimes.map(end)) },
        {
          what: "the stores",
          ms: CLOSE_MS,
          stop: async () => {
            if (settings.databaseUrl !== null) await hosts.leave().catch(() => {});
            await telemetry[Symbol.asyncDispose]();
            await records[Symbol.asyncDispose]();
            await apart.flush();
            await logs[Symbol.asyncDispose]();
            await all.disposeAsync();
          },
        },
      ],
      clock,
      notices.warn,
    );
    watch[Symbol.dispose]();
    audit[Symbol.dispose]();
    watching[Symbol.dispose]();
    alerts[Symbol.dispose]();
  }

  return {
    url: servers.open.url,
    adminUrl: servers.admin.url,
    plugins: api,
    log,
    moved,
    ready: async () => {
      await applying;
      await Promise.all(plugins.runtimes().map((runtime) => runtime.ready()));
    },
    apply(next, anew) {
      file = next;
      return applyLater(anew);
    },
    [Symbol.asyncDispose]: () => stopping ??= stop(),
  };
}

const NO_PLUGINS: HostedPlugins = new Map();

/** A change is answered when it has been applied, but a slow plugin does not delay the answer for long. */
async function soon(done: Promise<void>, clock: typeof systemClock): Promise<void> {
  const over = new AbortController();
  await Promise.race([done, clock.sleep(5_000, over.signal)]).finally(() => over.abort());
}

async function end(what: Promise<void> | AsyncDisposable): Promise<void> {
  await (what instanceof Promise ? what : what[Symbol.asyncDispose]());
}
