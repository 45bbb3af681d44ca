/**
 * Everything the service answers over HTTP: the capture API for SDKs, the API for the operator, health and metrics.
 * @module
 */

import { Hono } from "hono";
import type { ConnectionInfo } from "../capture/capture.ts";
import { createSdkRoutes } from "../capture/sdk/sdk_routes.ts";
import type { Projects } from "../capture/find_project.ts";
import type { ProjectConfig } from "../config/config.ts";
import type { ConsumerControl } from "../consumers/consumer_status.ts";
import type { EventLog } from "../log/event_log.ts";
import type { DeadLetter, Store } from "../store/store.ts";
import { createKeyCheck } from "./admin_token.ts";
import { ApiError, errorResponse, notFound } from "./api_error.ts";
import { type BackEnd, healthResponse, readyResponse } from "./health.ts";
import { createMetrics } from "../telemetry/metrics.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { openApiDocument } from "./openapi.ts";
import type { Route } from "./route.ts";
import type { PluginMetrics } from "../services/metrics.ts";
import { metricRoutes } from "./routes/metrics.ts";
import { problemRoutes } from "./routes/problems.ts";
import { consumerRoutes } from "./routes/consumers.ts";
import { deadLetterRoutes } from "./routes/dead_letters.ts";
import { jobRoutes } from "./routes/jobs.ts";
import { pluginConfigRoutes, type Plugins } from "./routes/plugin_configs.ts";
import { pluginJobRoutes } from "./routes/plugin_jobs.ts";
import { pluginLogRoutes } from "./routes/plugin_logs.ts";
import { projectRoutes } from "./routes/projects.ts";

export interface AppOptions {
  version: string;
  adminToken: string;
  /** Take the client's address from X-Forwarded-For. */
  trustProxy: boolean;
  /** Live: read anew for each request. */
  projects: () => readonly ProjectConfig[];
  log: Pick<EventLog, "append" | "read">;
  store: Pick<Store, "jobs" | "logs" | "deadLetters" | "series" | "problems" | "sightings">;
  telemetry: Pick<Telemetry, "counters" | "intake" | "traces" | "read" | "flush">;
  plugins: Plugins;
  consumers: ConsumerControl;
  pluginMetrics: Pick<PluginMetrics, "list">;
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
  const isAdminToken = createKeyCheck(options.adminToken);
  const projects = createProjects(options.projects, isAdminToken);
  const metrics = createMetrics(options.telemetry.counters, options.consumers, options.plugins, options.pluginMetrics);

  app.onError(answerError);
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
  app.get("/_health", healthResponse);
  app.get("/_ready", () => readyResponse(options.backEnds));
  app.get("/metrics", () => metrics.response());

  const routes = apiRoutes(options);
  const document = openApiDocument(routes, options.version);
  app.get("/api/openapi.json", () => Response.json(document));
  app.use("/api/*", async (context, next) => {
    const given = /^Bearer (.+)$/i.exec(context.req.header("authorization") ?? "")?.[1];
    if (given === undefined) {
      throw new ApiError(
        401,
        "authentication_error",
        "not_authenticated",
        "Authentication credentials were not provided.",
      );
    }
    if (!isAdminToken(given)) {
      throw new ApiError(401, "authentication_error", "authentication_failed", "Invalid admin token.");
    }
    await next();
  });
  for (const route of routes) {
    app.on(
      route.method,
      honoPath(route.path),
      (context) => route.serve(context.req.raw, context.req.param(), new URL(context.req.url).searchParams),
    );
  }
  return app;
}

/** All operations of the API, in the order of the document. */
export function apiRoutes(options: AppOptions): Route[] {
  const { plugins, store, consumers, now } = options;
  return [
    ...projectRoutes(options),
    ...pluginConfigRoutes(plugins),
    ...pluginLogRoutes(plugins, store.logs),
    ...pluginJobRoutes({ plugins, jobs: store.jobs, onEnqueued: options.onJobEnqueued, now }),
    ...jobRoutes(store.jobs),
    ...consumerRoutes(consumers),
    ...metricRoutes({ series: store.series, telemetry: options.telemetry, now }),
    ...problemRoutes(store.problems),
    ...deadLetterRoutes({ deadLetters: store.deadLetters, requeue: options.requeue }),
  ];
}

/** `{name}` is `:name` to hono. Consumers' ids have slashes in them, so one may span several parts of the path. */
function honoPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, path.startsWith("/api/consumers/") ? ":$1{.+}" : ":$1");
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
