/**
 * A plugin runtime of one cell on a real store, with plugins of a test's own code.
 * @module
 */

import { createPluginRecords } from "../../host/cells/plugin_records.ts";
import type { BatchOutcome, PluginRuntime } from "../../host/cells/plugin_runtime.ts";
import { createPluginRuntime, type PluginRuntimeOptions } from "../../host/cells/plugin_supervisor.ts";
import { ProcessWatch } from "../../host/cells/process/process_watch.ts";
import { systemClock } from "../../host/clock.ts";
import type { PluginConfig } from "../../host/config/config.ts";
import { loadPlugin } from "../../host/loader/load_plugin.ts";
import { PluginLoadError } from "../../host/loader/plugin.ts";
import { encodeEvents } from "../../host/router/encode_events.ts";
import { createPluginLogWriter } from "../../host/services/logs.ts";
import { DEFAULT_SERVICE_LIMITS } from "../../host/services/limits/service_limits.ts";
import type { PluginServices } from "../../host/services/services.ts";
import { openSqliteStore } from "../../host/store/sqlite_store.ts";
import type { Store } from "../../host/store/store.ts";
import { type ServiceName, SERVICES } from "../../runtime/protocol.ts";
import { createUuidGenerator } from "../../runtime/events/uuid.ts";
import { temporaryFolder } from "./temporary_folder.ts";

export interface TestRuntimeOptions {
  /** Code of each plugin of the cell; their ids count from 1. */
  plugins: string[];
  config?: Partial<PluginConfig>;
  clock?: PluginRuntimeOptions["clock"];
  retireAfterMs?: number;
  lazy?: boolean;
  services?: Partial<PluginServices>;
  /** Given when the service put the plugins together. */
  onMisbehaviour?: PluginRuntimeOptions["onMisbehaviour"];
  packages?: NonNullable<PluginRuntimeOptions["packages"]>;
  /** Runs before the runtime is created. */
  prepare?(store: Store): Promise<void>;
}

export interface Processed {
  outcomes: string[];
  errors: BatchOutcome["errors"];
  /** Parsed; null = dropped. */
  events: (Record<string, unknown> & { properties: Record<string, unknown> } | null)[];
}

export interface TestRuntime extends AsyncDisposable {
  runtime: PluginRuntime;
  store: Store;
  /** States as they were entered. */
  notices: string[];
  /** Sends events with these names; property `n` counts them. */
  process(...names: string[]): Promise<Processed>;
  /** Messages of SYSTEM entries of a plugin, oldest first. */
  systemLog(pluginConfigId?: number): Promise<string[]>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export async function openTestRuntime(options: TestRuntimeOptions): Promise<TestRuntime> {
  await using opened = new AsyncDisposableStack();
  const folder = opened.use(await temporaryFolder());
  const store = opened.use(await openSqliteStore({ path: folder.file("store.db"), synchronous: "off" }));
  await options.prepare?.(store);
  const clock = options.clock ?? systemClock;
  const logs = opened.use(createPluginLogWriter({
    store: store.logs,
    limits: DEFAULT_SERVICE_LIMITS.console,
    instanceId: "test",
    now: clock.now,
    uuid: createUuidGenerator(clock.now),
    onError: (message) => console.error(message),
  }));
  const records = opened.use(createPluginRecords({
    store: store.pluginConfigs,
    logs,
    now: clock.now,
    onError: (message) => console.error(message),
  }));
  const watch = opened.use(new ProcessWatch());
  const plugins = await Promise.all(options.plugins.map(async (code, index) => ({
    plugin: await loadPlugin({ inline: code, name: `plugin ${index + 1}` }).catch(refused),
    config: configOf(index + 1, options.config),
  })));
  const notices: string[] = [];
  const runtime = opened.use(createPluginRuntime({
    plugins,
    services: () => ({ ...NO_SERVICES, ...options.services }),
    records,
    deadLetters: store.deadLetters,
    watch,
    ...(options.onMisbehaviour && { onMisbehaviour: options.onMisbehaviour }),
    ...(options.packages && { packages: options.packages }),
    clock,
    instanceId: "test",
    retireAfterMs: options.retireAfterMs ?? null,
    lazy: options.lazy ?? false,
    onNotice: (message) => notices.push(message),
  }));
  const all = opened.move();
  return {
    runtime,
    store,
    notices,
    async process(...names) {
      const events = names.map((event, n) => ({
        uuid: `u${n}`,
        event,
        distinct_id: `d${n}`,
        team_id: 2,
        properties: { n },
      }));
      const encoded = encodeEvents(events.map((event) => ({ event: encoder.encode(JSON.stringify(event)) })));
      return decode(await runtime.batch("processEvent", [...runtime.pluginConfigIds], encoded));
    },
    async systemLog(pluginConfigId = 1) {
      await records.flush();
      const { results } = await store.logs.list({ pluginConfigId, limit: 1000 });
      return results.filter(({ source }) => source === "SYSTEM").map(({ message }) => message).reverse();
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function configOf(id: number, more: Partial<PluginConfig> = {}): PluginConfig {
  return {
    id,
    teamId: 2,
    source: { inline: "" },
    enabled: true,
    order: id,
    config: {},
    attachments: {},
    timeoutSeconds: 1,
    memoryMb: 192,
    egress: { allow: [] },
    cell: null,
    ...more,
  };
}

function refused(error: unknown): PluginLoadError {
  if (error instanceof PluginLoadError) return error;
  throw error;
}

function decode({ outcomes, errors, events: { lengths, body } }: BatchOutcome): Processed {
  let at = 0;
  const texts = lengths.map((length) => decoder.decode(body.subarray(at, at += length)));
  return { outcomes, errors, events: texts.map((text) => text === "" ? null : JSON.parse(text)) };
}

const NO_SERVICES = Object.fromEntries(
  SERVICES.map((name: ServiceName) => [name, () => Promise.reject(new Error(`${name} is not part of this test`))]),
) as unknown as PluginServices;
