/**
 * Everything the service answers over HTTP: the capture API for SDKs, the API for the operator, health and metrics.
 * @module
 */

import type { TrustedProxies } from "../config/trusted_proxies.ts";
import { Hono } from "hono";
import { type ConnectionInfo, hostOf } from "../capture/capture.ts";
import { clientIp } from "../capture/client_ip.ts";
import { isCapturePath } from "../capture/capture_paths.ts";
import { createProxy } from "../upstream/proxy.ts";
import type { StaleCache } from "../upstream/stale_cache.ts";
import { createSdkRoutes } from "../capture/sdk/sdk_routes.ts";
import type { Projects } from "../capture/find_project.ts";
import type { PluginConfig, ProjectConfig } from "../config/config.ts";
import type { ConsumerControl } from "../consumers/consumer_status.ts";
import type { EventLog } from "../log/event_log.ts";
import type { DeadLetter, Store } from "../store/store.ts";
import { type Access, bearerOf, type Caller, createAccess } from "./access/access.ts";
import { createKeyCheck } from "./access/admin_token.ts";
import { createNote } from "./access/note_action.ts";
import { ApiError, errorResponse, notFound } from "./api_error.ts";
import { type BackEnd, healthResponse, readyResponse } from "./health.ts";
import { createMetrics } from "../telemetry/metrics.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { openApiDocument } from "./openapi.ts";
import type { Route } from "./route.ts";
import type { PluginMetrics } from "../services/metrics.ts";
import { metricRoutes } from "./routes/observed/metrics.ts";
import { problemRoutes } from "./routes/observed/problems.ts";
import type { LiveFeed } from "./live/live_feed.ts";
import { type DryRunRequest, dryRunRoutes } from "./routes/managed/dry_run.ts";
import type { DryRun } from "../dry_run/dry_run.ts";
import type { AlertBook } from "../alerts/alert_book.ts";
import { alertRoutes } from "./routes/managed/alerts.ts";
import type { Inspection } from "../dry_run/inspect_plugin.ts";
import { inspectRoutes } from "./routes/managed/inspect.ts";
import type { ManagedApi } from "./routes/managed/managed_api.ts";
import { pluginChangeRoutes } from "./routes/managed/plugin_changes.ts";
import { projectChangeRoutes } from "./routes/managed/project_changes.ts";
import { uploadRoutes } from "./routes/managed/uploads.ts";
import { scheduleRoutes } from "./routes/schedules.ts";
import type { Scheduler } from "../schedule/scheduler.ts";
import { settingRoutes, type ShownSetting } from "./routes/settings.ts";
import { auditRoutes } from "./routes/access/audit.ts";
import { eventRoutes } from "./routes/observed/events.ts";
import { liveRoutes } from "./routes/observed/live.ts";
import { traceRoutes } from "./routes/observed/traces.ts";
import { sessionHandlers } from "./routes/access/session.ts";
import { tokenRoutes } from "./routes/access/tokens.ts";
import { consumerRoutes } from "./routes/consumers.ts";
import { deadLetterRoutes } from "./routes/dead_letters.ts";
import { jobRoutes } from "./routes/jobs.ts";
import { pluginConfigRoutes, type Plugins } from "./routes/plugin_configs.ts";
import { pluginJobRoutes } from "./routes/plugin_jobs.ts";
import { pluginLogRoutes } from "./routes/plugin_logs.ts";
import { createUiRoutes, type UiMode } from "./ui/ui_routes.ts";
import { projectRoutes } from "./routes/projects.ts";

export interface AppOptions {
  version: string;
  adminToken: string;
  /** What opens /metrics besides the tokens of the API; null: everybody may read it. */
  metricsToken: string | null;
  /** Proxies whose word on the client's address is taken. */
  trustProxy: TrustedProxies;
  /** What is served when a project's upstream is away. */
  upstreamCache: StaleCache;
  onUpstreamError(message: string): void;
  /** Live: read anew for each request. */
  projects: () => readonly ProjectConfig[];
  log: Pick<EventLog, "append" | "read" | "readBack" | "cursorAt">;
  store: Pick<
    Store,
    "jobs" | "logs" | "deadLetters" | "series" | "problems" | "sightings" | "things" | "audit"
  >;
  telemetry: Pick<Telemetry, "counters" | "intake" | "traces" | "read" | "flush">;
  plugins: Plugins;
  consumers: ConsumerControl;
  pluginMetrics: Pick<PluginMetrics, "list">;
  feed: LiveFeed;
  managed: ManagedApi;
  alerts: AlertBook;
  schedule: Pick<Scheduler, "upcoming" | "run">;
  ui: UiMode;
  settings: ShownSetting[];
  /** See ProjectChangeRoutesOptions. */
  testDestination(project: ProjectConfig, id: string): Promise<void>;
  inspect(config: PluginConfig): Promise<Inspection>;
  dryRun(request: DryRunRequest): Promise<DryRun>;
  /** Gives a dead letter's event again to who gave it up. */
  requeue(letter: DeadLetter): Promise<void>;
  /** Called when a job was enqueued through the API. */
  onJobEnqueued(): void;
  /** What /_ready asks. */
  backEnds: readonly BackEnd[];
  now: () => number;
}

export type App = Hono<{ Bindings: ConnectionInfo }>;

/** The handler of all requests: `app.fetch(request, info)`, where info is Deno.serve's. */
export function createApp(options: AppOptions): App {
  const app: App = new Hono<{ Bindings: ConnectionInfo }>({ strict: false });
  const access = createAccess(options.adminToken, options.store.things, options.now);
  const projects = createProjects(options.projects, access.isAdminToken);
  const isMetricsToken = options.metricsToken ? createKeyCheck(options.metricsToken) : null;
  const note = createNote(options.store.things);
  const addressOf = (request: Request, connection?: ConnectionInfo) =>
    clientIp(request.headers, hostOf(connection?.remoteAddr), options.trustProxy);
  const metrics = createMetrics(options.telemetry.counters, options.consumers, options.plugins, options.pluginMetrics);

  const proxy = createProxy({
    projects: () =>
      options.projects().flatMap(({ token, upstream }) => upstream === undefined ? [] : [{ token, upstream }]),
    cache: options.upstreamCache,
    addressOf,
    onAnswer: metrics.onUpstream,
    onError: options.onUpstreamError,
  });

  app.onError(answerError);
  // Before the answers of a service without flags: where a project has an upstream, that answers.
  app.use("*", async (context, next) => {
    const answer = isOurs(context.req.path) ? null : await proxy(context.req.raw, context.env);
    if (answer === null) return await next();
    return answer;
  });
  app.notFound((context) => errorResponse(notFound(`There is nothing at ${context.req.method} ${context.req.path}`)));
  app.route(
    "/",
    createSdkRoutes({
      ...options,
      projects,
      onStored: options.telemetry.intake.stored,
      onRefused: options.telemetry.intake.refused,
      onAnswer: metrics.onAnswer,
    }),
  );
  app.route("/", createUiRoutes(options.ui));
  app.get("/_health", healthResponse);
  app.get("/_ready", () => readyResponse(options.backEnds));
  app.get("/metrics", async (context) => {
    await admitMetrics(context.req.raw, addressOf(context.req.raw, context.env));
    return await metrics.response();
  });

  /** Whoever has the metrics' own token, or any of the API. Without a token of their own, the metrics are open. */
  async function admitMetrics(request: Request, address: string): Promise<void> {
    if (isMetricsToken === null) return;
    const token = bearerOf(request);
    if (token !== null && isMetricsToken(token)) return;
    await access.admit(request, address);
  }

  const routes = apiRoutes(options, access);
  const document = openApiDocument(routes, options.version);
  for (const { method, path, handle } of sessionHandlers({ access, addressOf })) app.on(method, path, handle);
  app.get("/_hogpen/api/openapi.json", () => Response.json(document));
  const callers = new WeakMap<Request, Caller>();
  app.use("/_hogpen/api/*", async (context, next) => {
    callers.set(context.req.raw, await access.admit(context.req.raw, addressOf(context.req.raw, context.env)));
    await next();
  });
  for (const route of routes) {
    app.on(
      route.method,
      honoPath(route.path),
      (context) => {
        const { raw } = context.req;
        const actor = callers.get(raw) ?? NOBODY;
        return route.serve(raw, context.req.param(), new URL(raw.url).searchParams, actor, note);
      },
    );
  }
  return app;
}

/** Of the operator, or capture; every other path belongs to the PostHog behind a project. */
function isOurs(path: string): boolean {
  return /^\/(_hogpen|_health|_ready|metrics)(\/|$)/.test(path) || isCapturePath(path);
}

const NOBODY: Caller = { name: "", role: "viewer", session: null };

/** All operations of the API, in the order of the document. */
export function apiRoutes(options: AppOptions, access: Access): Route[] {
  const { plugins, store, consumers, now } = options;
  return [
    ...projectRoutes(options),
    ...pluginConfigRoutes(plugins),
    ...pluginLogRoutes(plugins, store.logs),
    ...pluginJobRoutes({ plugins, jobs: store.jobs, onEnqueued: options.onJobEnqueued, now }),
    ...jobRoutes(store.jobs, { onEnqueued: options.onJobEnqueued, now }),
    ...consumerRoutes(consumers),
    ...metricRoutes({ series: store.series, telemetry: options.telemetry, now }),
    ...problemRoutes(store.problems),
    ...eventRoutes({ ...options, sightings: store.sightings }),
    ...traceRoutes({ ...options, traces: options.telemetry.traces }),
    ...dryRunRoutes({ ...options, sightings: store.sightings }),
    ...pluginChangeRoutes(options),
    ...inspectRoutes(options),
    ...alertRoutes(options.alerts),
    ...projectChangeRoutes(options),
    ...uploadRoutes(options),
    ...scheduleRoutes({ plugins, schedule: options.schedule }),
    ...settingRoutes({ ...options, startedAt: now() }),
    ...liveRoutes(options.feed),
    ...tokenRoutes(access.tokens),
    ...auditRoutes(store.audit),
    ...deadLetterRoutes({ deadLetters: store.deadLetters, requeue: options.requeue }),
  ];
}

/** `{name}` is `:name` to hono. Consumers' ids have slashes in them, so one may span several parts of the path. */
function honoPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, path.startsWith("/_hogpen/api/consumers/") ? ":$1{.+}" : ":$1");
}

/** Looks projects up by token and id; the maps are made again when the configuration has changed. */
function createProjects(current: () => readonly ProjectConfig[], isPersonalKey: (key: string) => boolean): Projects {
  let known: readonly ProjectConfig[] = [];
  let byToken = new Map<string, ProjectConfig>();
  let byId = new Map<number, ProjectConfig>();
  function refresh(): void {
    const projects = current();
    if (projects === known) return;
    known = projects;
    byToken = new Map(projects.map((project) => [project.token, project]));
    byId = new Map(projects.map((project) => [project.id, project]));
  }
  return {
    byToken(token) {
      refresh();
      return byToken.get(token);
    },
    byId(id) {
      refresh();
      return byId.get(id);
    },
    isPersonalKey,
  };
}

function answerError(error: Error): Response {
  if (error instanceof ApiError) return errorResponse(error);
  console.error("Cannot answer a request:", error);
  return errorResponse(new ApiError(500, "server_error", "error", "A server error occurred."));
}
