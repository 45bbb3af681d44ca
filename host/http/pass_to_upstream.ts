/**
 * Passes to a project's PostHog what is neither capture nor the operator's.
 * @module
 */

import type { Arrivals } from "../capture/arrival.ts";
import { isCapturePath } from "../capture/capture_paths.ts";
import type { ProjectConfig } from "../config/config.ts";
import { createProxy, type Fronted } from "../upstream/proxy.ts";
import type { App, AppOptions } from "./app.ts";
import { isAdminPath, type Shared } from "./public_routes.ts";

/**
 * Answers before the app is asked, if a project has an upstream: to route such a request through the app would cost a
 * fifth of what it costs to pass it on, and the app would answer for a service without flags.
 */
export function passToUpstream(
  app: App,
  options: AppOptions,
  { pathOf, arrivalOf, access, metrics }: Shared & Pick<Arrivals, "pathOf">,
  answerError: (error: unknown) => Response,
): Pick<App, "fetch"> {
  const proxy = createProxy({
    projects: createFronted(options.projects),
    cache: options.upstreamCache,
    arrivalOf,
    isOurToken: (token) => access.isOurs(token) || token === options.metricsToken,
    onAnswer: metrics.onUpstream,
    onError: options.onUpstreamError,
    outages: options.outages,
  });
  return {
    async fetch(request, connection) {
      if (isOurs(pathOf(request, connection))) return await app.fetch(request, connection);
      return await proxy(request, connection).catch(answerError) ?? await app.fetch(request, connection);
    },
  };
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

/**
 * Paths of the operator and of capture; the app answers 404 to those that are written in another way. Every other
 * path belongs to the PostHog behind a project.
 */
function isOurs(path: string): boolean {
  return isAdminPath(path) || isCapturePath(path);
}
