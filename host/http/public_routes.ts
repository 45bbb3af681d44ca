/**
 * What is open to SDKs and pages: capture, and what a service without PostHog behind it says of flags and the like.
 * @module
 */

import { Hono } from "hono";
import type { ArrivalOf, ConnectionInfo } from "../capture/arrival.ts";
import type { Projects } from "../capture/find_project.ts";
import { createSdkRoutes } from "../capture/sdk/sdk_routes.ts";
import type { ProjectConfig } from "../config/config.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Access } from "./access/access.ts";
import type { App, AppOptions } from "./app.ts";

/** What both sides of the service use. */
export interface Shared {
  access: Access;
  arrivalOf: ArrivalOf;
  metrics: Metrics;
}

export function createPublicRoutes(options: AppOptions, { access, metrics }: Shared): App {
  const app: App = new Hono<{ Bindings: ConnectionInfo }>({ strict: false });
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
