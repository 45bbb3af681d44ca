/**
 * The operator's side: the API, the web page and /metrics.
 * @module
 */

import { Hono } from "hono";
import type { ConnectionInfo } from "../capture/arrival.ts";
import { type Access, bearerOf, type Caller } from "./access/access.ts";
import { createKeyCheck } from "./access/admin_token.ts";
import { createNote } from "./access/note_action.ts";
import { openApiDocument } from "./openapi.ts";
import type { Route } from "./route.ts";
import { metricRoutes } from "./routes/observed/metrics.ts";
import { problemRoutes } from "./routes/observed/problems.ts";
import { dryRunRoutes } from "./routes/managed/dry_run.ts";
import { alertRoutes } from "./routes/managed/alerts.ts";
import { inspectRoutes } from "./routes/managed/inspect.ts";
import { pluginChangeRoutes } from "./routes/managed/plugin_changes.ts";
import { destinationChangeRoutes } from "./routes/managed/destination_changes.ts";
import { projectChangeRoutes } from "./routes/managed/project_changes.ts";
import { uploadRoutes } from "./routes/managed/uploads.ts";
import { scheduleRoutes } from "./routes/schedules.ts";
import { hostRoutes } from "./routes/hosts.ts";
import { settingRoutes } from "./routes/settings.ts";
import { auditRoutes } from "./routes/access/audit.ts";
import { eventRoutes } from "./routes/observed/events.ts";
import { liveRoutes } from "./routes/observed/live.ts";
import { traceRoutes } from "./routes/observed/traces.ts";
import { sessionHandlers } from "./routes/access/session.ts";
import { tokenRoutes } from "./routes/access/tokens.ts";
import { consumerRoutes } from "./routes/consumers.ts";
import { deadLetterRoutes } from "./routes/dead_letters.ts";
import { jobRoutes } from "./routes/jobs.ts";
import { pluginConfigRoutes } from "./routes/plugin_configs.ts";
import { pluginJobRoutes } from "./routes/plugin_jobs.ts";
import { pluginLogRoutes } from "./routes/plugin_logs.ts";
import { createUiRoutes } from "./ui/ui_routes.ts";
import { projectRoutes } from "./routes/projects.ts";
import type { App, AppOptions } from "./app.ts";
import type { Shared } from "./public_routes.ts";

export function createAdminRoutes(options: AppOptions, { access, arrivalOf, metrics }: Shared): App {
  const app: App = new Hono<{ Bindings: ConnectionInfo }>({ strict: false });
  const isMetricsToken = options.metricsToken ? createKeyCheck(options.metricsToken) : null;
  const note = createNote(options.store.things);
  const addressOf = (request: Request, connection?: ConnectionInfo) => arrivalOf(request, connection).address;

  app.route("/", createUiRoutes(options.ui, arrivalOf));
  app.get("/metrics", async (context) => {
    await admitMetrics(context.req.raw, addressOf(context.req.raw, context.env));
    return await metrics.response();
  });

  /**
   * Admits the metrics' own token and any token of the API. The metrics are open when they have no token of their own.
   */
  async function admitMetrics(request: Request, address: string): Promise<void> {
    if (isMetricsToken === null) return;
    const token = bearerOf(request);
    if (token !== null && isMetricsToken(token)) return;
    await access.admit(request, address);
  }

  const routes = apiRoutes(options, access);
  const sessions = sessionHandlers({ access, arrivalOf });
  let document: ReturnType<typeof openApiDocument> | undefined;
  for (const { method, path, handle } of sessions) app.on(method, path, handle);
  app.get(
    "/_hogpen/api/openapi.json",
    // Made when somebody asks: it takes the host's only thread 0.1 s.
    () => Response.json(document ??= openApiDocument(routes, sessions, options.version)),
  );
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

const NOBODY: Caller = { name: "", role: "viewer", session: null };

/** All operations of the API, in the order of the OpenAPI document. */
export function apiRoutes(options: AppOptions, access: Access): Route[] {
  const { plugins, store, consumers, elsewhere, now } = options;
  return [
    ...projectRoutes(options),
    ...pluginConfigRoutes(plugins, elsewhere.plugins),
    ...pluginLogRoutes(plugins, store.logs),
    ...pluginJobRoutes({ plugins, jobs: store.jobs, onEnqueued: options.onJobEnqueued, now }),
    ...jobRoutes(store.jobs, { onEnqueued: options.onJobEnqueued, now }),
    ...consumerRoutes(consumers, elsewhere.deliveries),
    ...metricRoutes({ series: store.series, telemetry: options.telemetry, now }),
    ...problemRoutes(store.problems),
    ...eventRoutes({ ...options, sightings: store.sightings }),
    ...traceRoutes({ ...options, traces: options.telemetry.traces }),
    ...dryRunRoutes({ ...options, sightings: store.sightings }),
    ...pluginChangeRoutes(options),
    ...inspectRoutes(options),
    ...alertRoutes(options.alerts),
    ...projectChangeRoutes(options),
    ...destinationChangeRoutes(options),
    ...uploadRoutes(options),
    ...scheduleRoutes({ plugins, schedule: options.schedule }),
    ...settingRoutes({ ...options, startedAt: now() }),
    ...hostRoutes(options),
    ...liveRoutes(options.feed),
    ...tokenRoutes(access.tokens),
    ...auditRoutes(store.audit),
    ...deadLetterRoutes({ deadLetters: store.deadLetters, requeue: options.requeue }),
  ];
}

/** `{name}` is `:name` in hono. Ids of consumers contain slashes, so a parameter may span several segments. */
function honoPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, path.startsWith("/_hogpen/api/consumers/") ? ":$1{.+}" : ":$1");
}
