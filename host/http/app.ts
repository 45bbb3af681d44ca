/**
 * Everything that the service answers over HTTP: the capture API for SDKs, the API for the operator, health and
 * metrics. Both sides share one port or have one each.
 * @module
 */

import { Hono } from "hono";
import { routePath } from "hono/route";
import { type ArrivalOptions, type Arrivals, type ConnectionInfo, createArrivals } from "../capture/arrival.ts";
import type { RateLimits } from "../capture/limits/rate_limits.ts";
import { addCorsHeaders } from "../capture/cors.ts";
import type { PluginConfig, ProjectConfig } from "../config/config.ts";
import type { Elsewhere } from "../config/host_role.ts";
import type { ConsumerControl } from "../consumers/consumer_status.ts";
import type { EventLog, Lag } from "../log/event_log.ts";
import type { HostReports } from "../store/host_reports.ts";
import type { DeadLetter, Store } from "../store/store.ts";
import type { Outages } from "../upstream/outages.ts";
import type { StaleCache } from "../upstream/stale_cache.ts";
import { createAccess } from "./access/access.ts";
import { reportTrouble } from "../trouble.ts";
import { ApiError, errorResponse, notFound } from "./api_error.ts";
import { createAdminRoutes } from "./admin_routes.ts";
import { type BackEnd, healthResponse, readyResponse } from "./health.ts";
import { passToUpstream } from "./pass_to_upstream.ts";
import { createPublicRoutes, isAdminPath } from "./public_routes.ts";
import { createMetrics } from "../telemetry/metrics.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { PluginMetrics } from "../services/metrics.ts";
import type { LiveFeed } from "./live/live_feed.ts";
import type { DryRunRequest } from "./routes/managed/dry_run.ts";
import type { DryRun } from "../dry_run/dry_run.ts";
import type { AlertBook } from "../alerts/alert_book.ts";
import type { Inspection } from "../dry_run/inspect_plugin.ts";
import type { ManagedApi } from "./routes/managed/managed_api.ts";
import type { Scheduler } from "../schedule/scheduler.ts";
import type { ShownSetting } from "./routes/settings.ts";
import type { Plugins } from "./routes/plugin_configs.ts";
import type { UiMode } from "./ui/ui_routes.ts";

export interface AppOptions extends ArrivalOptions {
  version: string;
  adminToken: string;
  /** The token that opens /metrics besides the tokens of the API; null when everybody may read the metrics. */
  metricsToken: string | null;
  /** What is served while a project's upstream is unavailable. */
  upstreamCache: StaleCache;
  onUpstreamError(message: string): void;
  outages: Outages;
  /** How much projects and addresses may send; absent means unlimited. */
  rateLimits?: RateLimits;
  /** Called for each request, so that configuration changes apply at once. */
  projects: () => readonly ProjectConfig[];
  log: Pick<EventLog, "append" | "read" | "readBack" | "cursorAt" | "size" | "share">;
  /** How far a project's plugins are behind what came in. */
  routerLag(project: number): Promise<Lag>;
  /** Whose disk /metrics shows. */
  dataFolder: string;
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
  /** Passes a dead letter's event again to the consumer or function that gave it up. */
  requeue(letter: DeadLetter): Promise<void>;
  /** Called when a job was enqueued through the API. */
  onJobEnqueued(): void;
  /** Called for each answered request, with the pattern of its path, such as `/_hogpen/api/jobs/:id`. */
  onRoute?(method: string, pattern: string): void;
  /** What other hosts do alone. */
  elsewhere: Elsewhere;
  hosts: Pick<HostReports, "list">;
  /** What /_ready asks. */
  backEnds: readonly BackEnd[];
  now: () => number;
}

export type App = Hono<{ Bindings: ConnectionInfo }>;

/** Request handlers: `fetch(request, info)`, where info is Deno.serve's. */
export interface Apps {
  /** For SDKs and pages: capture, and what is passed to the PostHog behind a project. */
  open: Pick<App, "fetch">;
  /** For the operator: the API, the web page and /metrics. The same as `open` when both share a port. */
  admin: Pick<App, "fetch">;
}

export function createApps(options: AppOptions, { separate }: { separate: boolean }): Apps {
  const { pathOf, arrivalOf } = createArrivals(options);
  const access = createAccess(
    options.adminToken,
    options.store.things,
    options.now,
    options.ui === "readonly",
  );
  const { telemetry, consumers, plugins, pluginMetrics, log, dataFolder } = options;
  const metrics = createMetrics(telemetry.counters, consumers, plugins, pluginMetrics, { log, dataFolder });
  const shared = { access, arrivalOf, metrics };
  const app = createApp(pathOf, options);
  app.route("/", createPublicRoutes(options, shared));
  const open = passToUpstream(app, options, { ...shared, pathOf }, answerError);
  if (!separate) {
    app.route("/", createAdminRoutes(options, shared));
    return { open, admin: open };
  }
  const admin = createApp(pathOf, options);
  admin.route("/", createAdminRoutes(options, shared));
  return { open, admin };
}

/** An app that says how it is, and that there is nothing at any other path. */
function createApp(
  pathOf: Arrivals["pathOf"],
  { backEnds, log, onRoute }: Pick<AppOptions, "backEnds" | "log" | "onRoute">,
): App {
  const app: App = new Hono<{ Bindings: ConnectionInfo }>({
    // A slash at the end makes no difference.
    getPath: (request, given) => pathOf(request, given?.env).replace(/(?<=.)\/$/, ""),
  });
  if (onRoute !== undefined) {
    app.use(async (context, next) => {
      await next();
      const pattern = routePath(context, -1);
      // A pattern that matches everything carries no information.
      if (!pattern.endsWith("*")) onRoute(context.req.method, pattern);
    });
  }
  app.onError(answerError);
  app.notFound(({ req: { raw: request, method, path } }) => {
    const nothing = errorResponse(notFound(`There is nothing at ${method} ${path}`));
    if (isAdminPath(path)) return nothing;
    // A page that uses a future endpoint gets a 404 that it can read, instead of an error about missing headers.
    const answer = method === "OPTIONS" ? new Response(null, { status: 204 }) : nothing;
    addCorsHeaders(answer.headers, request);
    return answer;
  });
  app.get("/_health", healthResponse);
  app.get("/_ready", () => readyResponse(backEnds, log.share()));
  // For load balancers: events are stored also while a back end is away that only plugins and consumers need.
  app.get("/_ready/intake", () => readyResponse([], log.share()));
  return app;
}

function answerError(error: unknown): Response {
  if (error instanceof ApiError) return errorResponse(error);
  reportTrouble("Cannot answer a request", error);
  return errorResponse(new ApiError(500, "server_error", "error", "A server error occurred."));
}
