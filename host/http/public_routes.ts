/**
 * What is open to SDKs and pages: capture, and everything that a project's PostHog answers.
 * @module
 */

import { Hono } from "hono";
import type { ArrivalOf, ConnectionInfo } from "../capture/arrival.ts";
import { isCapturePath } from "../capture/capture_paths.ts";
import type { Projects } from "../capture/find_project.ts";
import { createSdkRoutes } from "../capture/sdk/sdk_routes.ts";
import type { ProjectConfig } from "../config/config.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { createProxy, type Fronted } from "../upstream/proxy.ts";
import type { Access } from "./access/access.ts";
import type { App, AppOptions } from "./app.ts";

/** What both sides of the service use. */
export interface Shared {
  access: Access;
  arrivalOf: ArrivalOf;
  metrics: Metrics;
}

export function createPublicRoutes(options: AppOptions, { access, arrivalOf, metrics }: Shared): App {
  const app: App = new Hono<{ Bindings: ConnectionInfo }>({ strict: false });
  const proxy = createProxy({
    projects: createFronted(options.projects),
    cache: options.upstreamCache,
    arrivalOf,
    isOurToken: (token) => access.isOurs(token) || token === options.metricsToken,
    onAnswer: metrics.onUpstream,
    onError: options.onUpstreamError,
    outages: options.outages,
  });
  // These come before the answers of a service without flags: a project's upstream answers in their place.
  app.use("*", async (context, next) => {
    const answer = isOurs(context.req.path) ? null : await proxy(context.req.raw, context.env);
    if (answer === null) return await next();
    return answer;
  });
  app.route(
    "/",
    createSdkRoutes({
      ...options,
      projects: createProjects(options.projects, access.isAdminToken),
      onStored: options.telemetry.intake.stored,
      onRefused: options.telemetry.intake.refused,
      onRepaired: options.telemetry.intake.repaired,
      onAnswer: metrics.onAnswer,
    }),
  );
  return app;
}

/** The projects that have an upstream; the list is rebuilt when the configuration changes. */
function createFronted(current: () => readonly ProjectConfig[]): () => readonly Fronted[] {
  let known: readonly ProjectConfig[] = [];
  let fronted: readonly Fronted[] = [];
  return () => {
    const projects = current();
    if (projects !== known) {
      known = projects;
      fronted = projects.flatMap(({ token, upstream }) => upstream === undefined ? [] : [{ token, upstream }]);
    }
    return fronted;
  };
}

/** Paths of the operator and of capture. Every other path belongs to the PostHog behind a project. */
function isOurs(path: string): boolean {
  return isAdminPath(path) || isCapturePath(path);
}

/** Paths of the operator, on whichever port. */
export function isAdminPath(path: string): boolean {
  return /^\/(_hogpen|_health|_ready|metrics)(\/|$)/.test(path);
}

/** Looks up projects by token and id; the maps are rebuilt when the configuration changes. */
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
