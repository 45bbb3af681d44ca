/**
 * Runs one router for each project, and follows the configuration.
 * @module
 */

import type { Clock } from "../clock.ts";
import type { HogpenConfig, ProjectConfig } from "../config/config.ts";
import type { EventLog } from "../log/event_log.ts";
import { type Router, type RouterChain, type RouterObserver, startRouter } from "../router/router.ts";
import { PluginState } from "../cells/plugin_runtime.ts";
import { isDeferred } from "../router/marks.ts";
import { groupStages } from "../router/stage.ts";
import type { PluginSet } from "./plugin_set.ts";

export interface ProjectRoutersOptions {
  log: EventLog;
  clock: Clock;
  plugins: Pick<PluginSet, "place" | "hosted">;
  observer?: RouterObserver;
  onError(project: ProjectConfig, error: unknown): void;
}

export interface ProjectRouters extends AsyncDisposable {
  /**
   * Resolves when no batch is left in a chain of an earlier configuration. A project with plugins that cannot be opened
   * has no router, so that no event goes past them.
   */
  apply(config: HogpenConfig): Promise<void>;
}

/** The limits of a batch. Together with the number of batches in flight, they bound a router's memory. */
const BATCH = { maxEvents: 250, maxBytes: 1024 * 1024, inFlight: 4 };

export function createProjectRouters(options: ProjectRoutersOptions): ProjectRouters {
  const routers = new Map<number, Router>();

  function chainFor(project: ProjectConfig): RouterChain {
    const placed = options.plugins.place(project);
    return {
      stages: groupStages(placed),
      anonymizeIps: project.anonymizeIps,
      deferred: () =>
        placed
          .filter(({ runtime, pluginConfigId }) => {
            const { state, capabilities } = runtime.status(pluginConfigId);
            return state !== PluginState.Disabled && isDeferred(capabilities);
          })
          .map(({ mark }) => mark),
    };
  }

  return {
    async apply(config) {
      const projects = config.projects.filter(({ unreadable }) => (unreadable?.plugins.length ?? 0) === 0);
      const wanted = new Set(projects.map(({ id }) => id));
      const gone = [...routers].filter(([id]) => !wanted.has(id));
      for (const [id] of gone) routers.delete(id);
      await Promise.all([
        ...gone.map(([, router]) => router[Symbol.asyncDispose]()),
        ...projects.map(async (project) => {
          const chain = chainFor(project);
          const router = routers.get(project.id);
          if (router) return await router.setChain(chain);
          const onError = (error: unknown) => options.onError(project, error);
          const { log, clock, observer } = options;
          const watched = observer === undefined ? {} : { observer };
          routers.set(
            project.id,
            startRouter({ log, clock, teamId: project.id, chain, onError, ...watched, ...BATCH }),
          );
        }),
      ]);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(Array.from(routers.values(), (router) => router[Symbol.asyncDispose]()));
    },
  };
}
