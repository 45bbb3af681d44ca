/**
 * The configuration that runs, and how another one takes its place: in an order in which no event misses a plugin, and
 * what plugins have buffered is exported while they still run.
 * @module
 */

import { type PluginRuntime, PluginState } from "../../cells/plugin_runtime.ts";
import type { HogpenConfig } from "../../config/config.ts";
import type { PluginSet } from "../plugin_set.ts";
import type { ProjectRouters } from "../project_routers.ts";

export interface RunningConfig {
  readonly current: HogpenConfig;
  /** Makes it the current one, and reloads the plugin configs in `anew` in any case. One call at a time. */
  apply(next: HogpenConfig, anew?: ReadonlySet<number>): Promise<void>;
}

export interface RunningConfigOptions {
  /** Whether this host passes events through the plugins. */
  routes: boolean;
  /** Whether it delivers them, and runs jobs and schedules. */
  delivers: boolean;
  plugins: PluginSet;
  routers: ProjectRouters;
  /** Starts and ends consumers: they depend on the configuration, and on what its plugins turned out to do. */
  planConsumers(config: HogpenConfig): Promise<void>;
  onError(error: unknown): void;
}

/** `current` is what runs until the first one is applied. */
export function createRunningConfig(current: HogpenConfig, options: RunningConfigOptions): RunningConfig {
  const { routes, delivers, plugins, routers } = options;
  const known = new Set<PluginRuntime>();
  let planned = Promise.resolve();
  let next: Promise<void> | undefined;

  async function plan(config: HogpenConfig): Promise<void> {
    // A host that delivers nothing keeps no places in the log.
    if (delivers) await options.planConsumers(config);
  }

  /** Plugins that become ready while a plan is being made share the next one. */
  function planSoon(): Promise<void> {
    return next ??= planned.then(() => {
      next = undefined;
      planned = plan(current).catch(options.onError);
      return planned;
    });
  }

  /** What a plugin consumes is known only after it was loaded, so a change is planned again then. */
  function planWhenReady(): void {
    for (const runtime of plugins.runtimes()) {
      if (known.has(runtime)) continue;
      known.add(runtime);
      void runtime.ready().then(planSoon);
    }
  }

  async function run(config: HogpenConfig, anew?: ReadonlySet<number>): Promise<void> {
    // The consumers of plugins that are being removed end while the plugins still run, so that the buffer of
    // exportEvents is exported.
    await plan(config);
    const retired = await plugins.apply(config, anew);
    current = config;
    // A plugin that never became ready holds batches of its project. They are returned and take the new chain.
    const [idle, busy] = [retired.filter((each) => !isUp(each)), retired.filter(isUp)];
    await Promise.all([
      ...routes ? [routers.apply(config)] : [],
      ...idle.map((runtime) => runtime[Symbol.asyncDispose]()),
    ]);
    await plan(current);
    await Promise.all(busy.map((runtime) => runtime[Symbol.asyncDispose]()));
    for (const runtime of retired) known.delete(runtime);
    planWhenReady();
  }

  return {
    get current() {
      return current;
    },
    async apply(config, anew) {
      if (routes || delivers) await run(config, anew);
      current = config;
    },
  };
}

function isUp(runtime: PluginRuntime): boolean {
  return runtime.pluginConfigIds.every((id) => {
    const { state } = runtime.status(id);
    return state !== PluginState.Loading && state !== PluginState.SettingUp && state !== PluginState.RetryingSetup;
  });
}
