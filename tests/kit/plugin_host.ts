/**
 * Plugins of a test's own code, each in a real cell, on the log and store of a flow.
 * @module
 */

import { openMemoryCache } from "../../host/cache/memory_cache.ts";
import { createPluginRecords, type PluginRecords } from "../../host/cells/plugin_records.ts";
import { createPluginRuntime } from "../../host/cells/plugin_supervisor.ts";
import { ProcessWatch } from "../../host/cells/process/process_watch.ts";
import { systemClock } from "../../host/clock.ts";
import type { PluginConfig } from "../../host/config/config.ts";
import type { JobQueue } from "../../host/jobs/job_queue.ts";
import type { HostedPlugin } from "../../host/loader/hosted_plugin.ts";
import { loadPlugin } from "../../host/loader/load_plugin.ts";
import { mergeDefaults } from "../../host/loader/manifest/manifest.ts";
import type { Manifest } from "../../host/loader/plugin.ts";
import { createPluginMetrics } from "../../host/services/metrics.ts";
import { createPluginServices } from "../../host/services/create_plugin_services.ts";
import { createPluginLogWriter } from "../../host/services/logs.ts";
import { DEFAULT_SERVICE_LIMITS } from "../../host/services/limits/service_limits.ts";
import { createUuidGenerator } from "../../runtime/events/uuid.ts";
import type { Flow } from "./flow.ts";

export interface PluginHost extends AsyncDisposable {
  plugins: Map<number, HostedPlugin>;
  journal: PluginRecords;
  /** Runs the code as a plugin config of project 1, ready when it resolves. It may reach loopback. */
  run(pluginConfigId: number, code: string, more?: RunOptions): Promise<HostedPlugin>;
  /** Messages in the plugin's log. */
  logs(pluginConfigId: number): Promise<string[]>;
  /** What the plugin stored. */
  storage(pluginConfigId: number): Promise<Record<string, unknown>>;
}

export interface RunOptions {
  config?: Record<string, unknown>;
  manifest?: Partial<Manifest>;
  timeoutSeconds?: number;
  /** False: does not wait for setupPlugin. */
  ready?: boolean;
}

export function openPluginHost(flow: Flow, queue: JobQueue = flow.store.jobs): PluginHost {
  const { store, clock } = flow;
  const uuid = createUuidGenerator(clock.now);
  const logs = createPluginLogWriter({
    store: store.logs,
    limits: DEFAULT_SERVICE_LIMITS.console,
    instanceId: "test",
    now: clock.now,
    uuid,
    onError: (message) => console.error(message),
  });
  const journal = createPluginRecords({
    store: store.pluginConfigs,
    logs,
    now: clock.now,
    onError: (message) => console.error(message),
  });
  const backends = {
    cache: openMemoryCache({ now: clock.now }),
    storage: store.storage,
    jobs: queue,
    log: flow.log,
    metrics: createPluginMetrics(),
    geoip: { locate: () => null },
    api: () => ({ host: null, personalApiKey: null, projectApiKey: null, projectId: "1" }),
    logs,
    limits: DEFAULT_SERVICE_LIMITS,
    now: clock.now,
    version: "0.0.0",
  };
  const watch = new ProcessWatch();
  const plugins = new Map<number, HostedPlugin>();

  async function run(pluginConfigId: number, code: string, more: RunOptions = {}): Promise<HostedPlugin> {
    const loaded = await loadPlugin({ inline: code, name: `plugin ${pluginConfigId}` });
    const plugin = { ...loaded, manifest: { ...loaded.manifest, ...more.manifest } };
    const config: PluginConfig = {
      id: pluginConfigId,
      teamId: 1,
      source: { inline: code },
      enabled: true,
      order: 0,
      config: mergeDefaults(plugin.manifest, more.config ?? {}),
      attachments: {},
      timeoutSeconds: more.timeoutSeconds ?? 30,
      memoryMb: 256,
      egress: { allow: ["127.0.0.1"] },
      cell: null,
    };
    const runtime = createPluginRuntime({
      plugins: [{ plugin, config }],
      services: (id) =>
        createPluginServices(backends, { pluginConfigId: id, teamId: 1, pluginName: plugin.manifest.name }),
      records: journal,
      deadLetters: store.deadLetters,
      watch,
      clock: systemClock,
      instanceId: "test",
      retireAfterMs: null,
      onNotice: () => {},
    });
    const hosted = { ...config, pluginConfigId, manifest: plugin.manifest, readsMarks: plugin.readsMarks, runtime };
    plugins.set(pluginConfigId, hosted);
    if (more.ready !== false) await runtime.ready();
    return hosted;
  }

  return {
    plugins,
    journal,
    run,
    async logs(pluginConfigId) {
      await journal.flush();
      const { results } = await store.logs.list({ pluginConfigId, limit: 1000 });
      return results.map(({ message }) => message).reverse();
    },
    async storage(pluginConfigId) {
      const texts = await store.storage.all(pluginConfigId);
      return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, JSON.parse(text)]));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(Array.from(plugins.values(), ({ runtime }) => runtime[Symbol.asyncDispose]()));
      await journal[Symbol.asyncDispose]();
      await logs[Symbol.asyncDispose]();
      await backends.cache[Symbol.asyncDispose]();
      watch[Symbol.dispose]();
    },
  };
}
