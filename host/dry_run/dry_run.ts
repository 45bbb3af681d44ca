/**
 * A dry run passes events through plugins in cells of their own and leaves nothing behind. Storage and cache are
 * copies, jobs and captured events are only recorded, and nothing leaves the machine except real fetches, if those are
 * allowed.
 * @module
 */

import type { FetchRule } from "../../testing/sandbox/fetch_fixture.ts";
import type { ErrorRecord } from "../../runtime/errors.ts";
import { type BatchFunction, Outcome } from "../../runtime/protocol.ts";
import { openMemoryCache } from "../cache/memory_cache.ts";
import type { PluginConfig } from "../config/config.ts";
import { CONSUMING_FUNCTIONS } from "../consumers/sinks/plugin_call.ts";
import type { LoadedPlugin } from "../loader/plugin.ts";
import { isDeferred } from "../router/marks.ts";
import type { StagePlugin } from "../router/stage.ts";
import { createPluginServices, type ServiceBackends } from "../services/create_plugin_services.ts";
import { createPluginMetrics } from "../services/metrics.ts";
import { type DryCell, startDryCell } from "./dry_cell.ts";
import { type Change, diffEvents } from "./event_diff.ts";
import { noteBudget, type Notes } from "./notes.ts";
import { overlayCache } from "./overlay_cache.ts";
import { overlayStorage } from "./overlay_storage.ts";
import { passEvents } from "./passing_events.ts";

export interface DryRunOptions {
  /** In the order of the chain. */
  plugins: { config: PluginConfig; load(): Promise<LoadedPlugin> }[];
  events: Record<string, unknown>[];
  /** The project's id. */
  teamId: number;
  anonymizeIps: boolean;
  fetch: "real" | readonly FetchRule[];
  /** See DryCellOptions. */
  now: number | null;
  backends: Pick<ServiceBackends, "cache" | "storage" | "geoip" | "api" | "limits" | "version">;
}

export interface DryStep extends Notes {
  /** For example `setupPlugin`, `processEvent` or `onEvent`. */
  function: string;
  /** The position of the event among those given; null for setupPlugin. */
  event: number | null;
  before: unknown;
  /** Null if the event was dropped, or if the function returns no event. */
  after: Record<string, unknown> | null;
  diff: Change[];
  outcome: keyof typeof Outcome;
  error: ErrorRecord | null;
  ms: number;
}

export interface DryPlugin {
  plugin_config_id: number;
  name: string;
  /** Why the plugin could not be loaded; null if it was. */
  error: ErrorRecord | null;
  steps: DryStep[];
}

export interface DryRun {
  plugins: DryPlugin[];
  /** Each event as the outbox would receive it; null if it was dropped, with the plugin that dropped it. */
  events: { after: Record<string, unknown> | null; dropped_by: number | null }[];
}

type SetUpOutcome = "ok" | "failed" | "retry";

const NAMES = new Map(Object.entries(Outcome).map(([name, code]) => [code, name as keyof typeof Outcome]));

export async function dryRun(options: DryRunOptions): Promise<DryRun> {
  await using opened = new AsyncDisposableStack();
  const cache = opened.use(overlayCache(options.backends.cache, openMemoryCache()));
  const storage = overlayStorage(options.backends.storage);
  const events = passEvents(options.events);
  const plugins: DryPlugin[] = [];
  const later: { cell: DryCell; plugin: DryPlugin; config: PluginConfig }[] = [];
  const deferred: string[] = [];
  const budget = noteBudget();
  for (const { config, load } of options.plugins) {
    const plugin: DryPlugin = { plugin_config_id: config.id, name: `plugin ${config.id}`, error: null, steps: [] };
    plugins.push(plugin);
    try {
      const loaded = await load();
      plugin.name = loaded.manifest.name;
      const services = servicesFor(config, loaded);
      const cell = opened.use(
        await startDryCell({ plugin: loaded, config, services, fetch: options.fetch, now: options.now, budget }),
      );
      const setup = await setUp(cell, plugin);
      if (setup === "failed") continue;
      const mark = `${plugin.name} (${config.id})`;
      if (isDeferred(cell.capabilities)) deferred.push(mark);
      if (setup === "retry") continue;
      later.push({ cell, plugin, config });
      await processEvents(cell, plugin, { pluginConfigId: config.id, mark, readsMarks: loaded.readsMarks });
    } catch (error) {
      plugin.error = errorOf(error);
    }
  }
  const { teamId, anonymizeIps } = options;
  await events.finish({ teamId, anonymizeIps, deferred });
  for (const { cell, plugin, config } of later.filter(({ plugin }) => plugin.error === null)) {
    await consumeEvents(cell, plugin, config).catch((error) => plugin.error = errorOf(error));
  }
  return { plugins, events: events.results() };

  function servicesFor(config: PluginConfig, loaded: LoadedPlugin) {
    const { geoip, limits, version, api } = options.backends;
    const now = () => options.now ?? Date.now();
    return createPluginServices({
      cache,
      storage,
      geoip,
      limits,
      version,
      now,
      // Calls to PostHog's API leave the machine just as a fetch does.
      api: options.fetch === "real" ? api : () => ({
        host: null,
        personalApiKey: null,
        projectApiKey: null,
        projectId: "",
      }),
      jobs: {
        enqueue: (job) =>
          Promise.resolve({ ...job, id: "0", state: "waiting", createdAt: now(), updatedAt: now(), lastError: null }),
        outstanding: () => Promise.resolve({ jobs: 0, bytes: 0 }),
      },
      log: { append: () => Promise.resolve() },
      metrics: createPluginMetrics(),
      logs: { system() {} },
    }, { pluginConfigId: config.id, teamId: config.teamId, pluginName: loaded.manifest.name });
  }

  /** `failed`: live, the plugin would be disabled. `retry`: it would be tried again, and events for it would wait. */
  async function setUp(cell: DryCell, plugin: DryPlugin): Promise<SetUpOutcome> {
    if (!cell.capabilities.methods.includes("setupPlugin")) return "ok";
    const start = performance.now();
    const error = await cell.call("setupPlugin");
    const outcome = error === null ? "ok" : error.retry ? "retry" : "failed";
    plugin.steps.push({
      function: "setupPlugin",
      event: null,
      before: null,
      after: null,
      diff: [],
      outcome,
      error,
      ms: round(performance.now() - start),
      ...await cell.takeNotes(),
    });
    return outcome;
  }

  async function processEvents(cell: DryCell, plugin: DryPlugin, place: StagePlugin): Promise<void> {
    const { methods } = cell.capabilities;
    if (!methods.includes("processEvent") && !methods.includes("processEventBatch")) return;
    for (const { index, event } of events.next(place)) {
      const step = await give(cell, "processEvent", index, event);
      plugin.steps.push(step);
      events.passed(place, index, Outcome[step.outcome], step.after);
    }
  }

  async function consumeEvents(cell: DryCell, plugin: DryPlugin, config: PluginConfig): Promise<void> {
    for (const fn of CONSUMING_FUNCTIONS) {
      if (!cell.capabilities.methods.includes(fn)) continue;
      for (const { index, event } of events.consumed(fn, config.config)) {
        plugin.steps.push(await give(cell, fn, index, event));
      }
    }
  }
}

async function give(
  cell: DryCell,
  fn: BatchFunction,
  index: number,
  before: Record<string, unknown>,
): Promise<DryStep> {
  const start = performance.now();
  const { outcome, error, event } = await cell.give(fn, before);
  const ms = round(performance.now() - start);
  const returns = fn === "processEvent";
  return {
    function: fn,
    event: index,
    before,
    after: event,
    diff: returns && event !== null ? diffEvents(before, event) : [],
    outcome: NAMES.get(outcome) ?? "skipped",
    error,
    ms,
    ...await cell.takeNotes(),
  };
}

function errorOf(error: unknown): ErrorRecord {
  const { name, message } = error instanceof Error ? error : { name: "Error", message: String(error) };
  return { name, message, retry: false };
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}
