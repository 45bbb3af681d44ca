/**
 * Describes a plugin before it is enabled: its manifest, its files, and what it exports. To find the exports, the
 * plugin is loaded in a cell without any network.
 * @module
 */

import type { Capabilities } from "../../runtime/capabilities.ts";
import type { ErrorRecord } from "../../runtime/errors.ts";
import { openMemoryCache } from "../cache/memory_cache.ts";
import type { PluginConfig } from "../config/config.ts";
import { type LoadedPlugin, type Manifest, PluginLoadError } from "../loader/plugin.ts";
import type { PluginSource } from "../loader/sources/plugin_source.ts";
import { createPluginServices, type ServiceBackends } from "../services/create_plugin_services.ts";
import { createPluginMetrics } from "../services/metrics.ts";
import { startDryCell } from "./dry_cell.ts";
import { noteBudget } from "./notes.ts";
import { overlayCache } from "./overlay_cache.ts";
import { overlayStorage } from "./overlay_storage.ts";

export interface InspectOptions {
  config: PluginConfig;
  load(): Promise<LoadedPlugin>;
  open(): Promise<PluginSource>;
  backends: Pick<ServiceBackends, "cache" | "storage" | "geoip" | "limits" | "version">;
}

export interface Inspection {
  manifest: Manifest | null;
  /** Null if its code cannot be evaluated. */
  capabilities: Capabilities | null;
  error: ErrorRecord | null;
  /** The texts of files by path; null for a file that is too large or not text. */
  files: Record<string, string | null>;
}

/** Files with more characters than this are listed without their text. */
const MAX_FILE_CHARACTERS = 40_000;
const MOST_FILES = 500;

export async function inspectPlugin(options: InspectOptions): Promise<Inspection> {
  const found: Inspection = { manifest: null, capabilities: null, error: null, files: {} };
  try {
    found.files = await readFiles(await options.open());
    const plugin = await options.load();
    found.manifest = plugin.manifest;
    found.capabilities = await findCapabilities(plugin, options);
  } catch (error) {
    const { name, message } = error instanceof Error ? error : { name: "Error", message: String(error) };
    found.error = error instanceof PluginLoadError ? error.record : { name, message, retry: false };
  }
  return found;
}

async function findCapabilities(plugin: LoadedPlugin, { config, backends }: InspectOptions): Promise<Capabilities> {
  const services = createPluginServices({
    ...backends,
    cache: overlayCache(backends.cache, openMemoryCache()),
    storage: overlayStorage(backends.storage),
    now: Date.now,
    api: () => ({ host: null, personalApiKey: null, projectApiKey: null, projectId: "" }),
    jobs: {
      enqueue: () => Promise.reject(new Error("The plugin is only looked at")),
      outstanding: () => Promise.resolve({ jobs: 0, bytes: 0 }),
    },
    log: { append: () => Promise.resolve() },
    metrics: createPluginMetrics(),
    logs: { system() {} },
  }, { pluginConfigId: config.id, teamId: config.teamId, pluginName: plugin.manifest.name });
  await using cell = await startDryCell({
    plugin,
    config,
    services,
    fetch: [],
    now: null,
    budget: noteBudget(),
  });
  return cell.capabilities;
}

async function readFiles(source: PluginSource): Promise<Inspection["files"]> {
  const files: Inspection["files"] = {};
  for (const path of [...source.paths].sort().slice(0, MOST_FILES)) {
    const text = await Promise.resolve(source.read(path)).catch(() => null);
    files[path] = text !== null && text.length <= MAX_FILE_CHARACTERS && !text.includes("\0") ? text : null;
  }
  return files;
}
