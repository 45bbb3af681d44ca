/**
 * The whole HTTP side over a real event log, store and consumers, for tests. Plugins are only said to exist: no cell is
 * started.
 * @module
 */

import { PluginState, type PluginStatus } from "../../host/cells/plugin_runtime.ts";
import { systemClock } from "../../host/clock.ts";
import type { PluginConfig } from "../../host/config/config.ts";
import { type Consumers, createConsumers } from "../../host/consumers/consumers.ts";
import { requeueDeadLetter } from "../../host/consumers/requeue_dead_letter.ts";
import { type AppOptions, createApps } from "../../host/http/app.ts";
import { createLiveFeed, type LiveFeed } from "../../host/http/live/live_feed.ts";
import type { PluginView } from "../../host/http/routes/plugin_configs.ts";
import type { EventLog } from "../../host/log/event_log.ts";
import { openSqliteEventLog } from "../../host/log/sqlite_event_log.ts";
import type { Manifest } from "../../host/loader/plugin.ts";
import { type AlertBook, createAlertBook } from "../../host/alerts/alert_book.ts";
import type { AlertNotice } from "../../host/alerts/send_alert.ts";
import { observe } from "../../host/service/upkeep/observe.ts";
import { openManagedThings } from "../../host/managed/managed_things.ts";
import { createOutages } from "../../host/upstream/outages.ts";
import { createSeal } from "../../host/managed/seal.ts";
import { createTelemetry, type Telemetry } from "../../host/telemetry/telemetry.ts";
import { createPluginMetrics } from "../../host/services/metrics.ts";
import { openSqliteStore } from "../../host/store/sqlite_store.ts";
import type { Store } from "../../host/store/store.ts";
import { projectConfig } from "./capture_service.ts";
import { temporaryFolder } from "./temporary_folder.ts";

export const ADMIN_TOKEN = "hog_test";

export interface ApiService extends AsyncDisposable {
  /** Asks without a network; paths are those of http://localhost. */
  app: { request(path: string, init?: RequestInit): Promise<Response> };
  log: EventLog;
  store: Store;
  consumers: Consumers;
  telemetry: Telemetry;
  feed: LiveFeed;
  alerts: AlertBook;
  /** What channels were sent. */
  sent: { channel: string; notice: AlertNotice }[];
  /** What the API is told of plugins; to be changed by the test. */
  plugins: PluginView[];
  /** Plugin configs that were to be enabled, and how often a job was announced. */
  seen: { enabled: number[]; jobs: number };
  /** With the admin token; the answer parsed. */
  call(method: string, path: string, body?: unknown): Promise<{ status: number; body: ApiAnswer; headers: Headers }>;
}

/** The tests look into answers without narrowing each. */
export type ApiAnswer = { [key: string]: ApiAnswer } & { length: number } & ApiAnswer[];

export function pluginView(fields: {
  config?: Partial<PluginConfig>;
  manifest?: Partial<Manifest> | null;
  status?: Partial<PluginStatus>;
} = {}): PluginView {
  return {
    config: {
      id: 39,
      teamId: 1,
      source: "plugins/example",
      enabled: true,
      order: 0,
      config: {},
      attachments: {},
      timeoutSeconds: 30,
      memoryMb: 256,
      egress: { allow: [] },
      cell: null,
      ...fields.config,
    },
    manifest: fields.manifest === null
      ? null
      : { name: "Example", description: "An example", config: [], publicJobs: {}, schedule: {}, ...fields.manifest },
    status: {
      state: PluginState.Running,
      reason: null,
      capabilities: { methods: ["processEvent"], scheduled_tasks: [], jobs: [] },
      lastError: null,
      pid: 4711,
      memoryBytes: 30_000_000,
      cpuMs: 120,
      restarts: [],
      ...fields.status,
    },
    version: null,
    apart: null,
  };
}

export async function startApi(overrides: Partial<AppOptions> = {}): Promise<ApiService> {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder());
  const log = stack.use(await openSqliteEventLog({ path: folder.file("log.sqlite"), synchronous: "off" }));
  const store = stack.use(await openSqliteStore({ path: folder.file("store.sqlite"), synchronous: "off" }));
  const consumers = stack.use(createConsumers({ log, store, clock: systemClock }));
  const plugins: PluginView[] = [];
  const feed = createLiveFeed();
  const telemetry = stack.use(
    createTelemetry({
      store,
      now: Date.now,
      plugins: () => plugins,
      consumers: () => consumers.list(),
      onError(message) {
        throw new Error(message);
      },
    }),
  );
  const seen = { enabled: [] as number[], jobs: 0 };
  const projects = [projectConfig()];
  const sent: { channel: string; notice: AlertNotice }[] = [];
  const outages = createOutages(Date.now);
  const alerts = stack.use(createAlertBook({
    things: store.things,
    seal: createSeal("test"),
    now: Date.now,
    observed: observe({
      plugins: { list: () => plugins },
      consumers,
      store,
      log,
      outages,
      projects: () => projects,
      unowned: () => Promise.resolve([]),
      now: Date.now,
    }),
    send({ id }, notice) {
      sent.push({ channel: id, notice });
      return Promise.resolve();
    },
    onError(message) {
      throw new Error(message);
    },
  }));
  const managed = await openManagedThings({
    things: store.things,
    seal: createSeal("test"),
    defaults: { timeoutSeconds: 30, memoryMb: 256 },
    folder: folder.file("uploads"),
    onError(message) {
      throw new Error(message);
    },
  });
  const { open } = createApps({
    version: "0.0.0",
    adminToken: ADMIN_TOKEN,
    metricsToken: null,
    trustProxy: () => true,
    clientIpHeader: null,
    pathPrefix: "",
    upstreamCache: { keep: () => Promise.resolve(), find: () => Promise.resolve(null) },
    onUpstreamError: () => {},
    outages,
    projects: () => projects,
    log,
    routerLag: () => Promise.resolve({ events: 0, seconds: 0 }),
    dataFolder: folder.path,
    store,
    plugins: {
      list: () => plugins,
      share: () => Promise.resolve(),
      enable(id) {
        seen.enabled.push(id);
        return Promise.resolve();
      },
    },
    consumers,
    pluginMetrics: createPluginMetrics(),
    feed,
    alerts,
    managed: {
      things: managed,
      apply: () => Promise.resolve(),
      file: () => ({ path: "hogpen.json", config: { projects } }),
    },
    schedule: {
      upcoming: () => [{ task: "runEveryHour", cron: "0 * * * *", nextRunAt: 0, lastRun: null }],
      run: () => Promise.resolve(),
    },
    ui: "edit",
    settings: [],
    testDestination: () => Promise.resolve(),
    inspect: () => Promise.resolve({ manifest: null, capabilities: null, error: null, files: {} }),
    dryRun: () => Promise.resolve({ plugins: [], events: [] }),
    telemetry,
    requeue: (letter) => requeueDeadLetter(letter, { log, redeliver: (id, record) => consumers.redeliver(id, record) }),
    elsewhere: { plugins: null, deliveries: null },
    hosts: { list: () => Promise.resolve([]) },
    onJobEnqueued: () => seen.jobs++,
    backEnds: [],
    now: Date.now,
    ...overrides,
  }, { separate: false });
  const app: ApiService["app"] = {
    request: async (path, init) => await open.fetch(new Request(new URL(path, "http://localhost"), init)),
  };
  return {
    app,
    log,
    store,
    consumers,
    telemetry,
    feed,
    alerts,
    sent,
    plugins,
    seen,
    async call(method, path, body) {
      const response = await app.request(path, {
        method,
        headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: await response.json(), headers: response.headers };
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
