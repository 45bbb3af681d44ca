/**
 * `dev <folder>`: serves a plugin, reloads it when its folder changes, and shows what it made of each event.
 * @module
 */

import { resolve } from "node:path";
import { z } from "zod";
import { printableMessage } from "../../../runtime/printable.ts";
import type { HogpenConfig } from "../../config/config.ts";
import { defaultConfig, LOCAL_TOKEN } from "../../config/default_config.ts";
import { readSettings } from "../../config/read_settings.ts";
import { watchFolders } from "../../config/watch_config.ts";
import { createNotices } from "../../service/notices.ts";
import { type Service, startService } from "../../service/service.ts";
import { VERSION } from "../../version.ts";
import { readLogs } from "../logs.ts";
import { openApi } from "../program/api_client.ts";
import { readJson } from "../program/read_json.ts";
import { CommandError, terminal } from "../program/terminal.ts";
import { type Change, changesOf, describeChanges } from "../show/event_change.ts";
import { followEvents, type RoutedEvent } from "../show/follow_events.ts";

export interface DevCommand {
  /** A JSON file with the plugin's configuration. */
  config?: string;
  port?: string;
  /** The folder for storage and events. If absent, a temporary folder is used. */
  data?: string;
  json?: boolean;
}

const PLUGIN = 1;

/** Resolves after SIGINT or SIGTERM. Rejects with a CommandError or UsageError. */
export async function dev(folder: string, command: DevCommand): Promise<void> {
  const root = await Deno.realPath(resolve(folder)).catch((cause) => {
    throw new CommandError(`Cannot serve ${folder}: there is no such folder`, undefined, { cause });
  });
  const data = command.data ?? await Deno.makeTempDir({ prefix: "hogpen_dev_" });
  const stopped = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => stopped.abort());
  try {
    const flags = new Map([["host", "127.0.0.1"], ["data", data], ["logLevel", "warn"], [
      "port",
      command.port ?? "8000",
    ]]);
    const settings = readSettings(flags, () => undefined);
    const adminToken = `hog_${crypto.randomUUID()}`;
    const notices = createNotices({ level: "error", format: "text", write: terminal.note, now: Date.now });
    const readConfig = () => configFor(root, command.config, settings);
    await using service = await startService({
      settings,
      config: await readConfig(),
      adminToken,
      notices,
      version: VERSION,
    });
    await service.ready();
    announce(service, folder);
    const api = await openApi({ url: service.adminUrl, adminToken });
    await Promise.race([
      followReloads(service, root, command, readConfig, stopped.signal),
      printEvents(service, command, stopped.signal),
      printLogs(api, command),
      aborted(stopped.signal),
    ]);
  } finally {
    if (command.data === undefined) await Deno.remove(data, { recursive: true }).catch(() => {});
  }
}

type Defaults = { taskTimeout: number; pluginMemoryMb: number };

async function configFor(root: string, path: string | undefined, defaults: Defaults): Promise<HogpenConfig> {
  const config = path === undefined ? {} : await readJson(path, z.record(z.string(), z.unknown()));
  const local = defaultConfig({ timeoutSeconds: defaults.taskTimeout, memoryMb: defaults.pluginMemoryMb });
  const projects = local.projects.map((project) => ({
    ...project,
    plugins: project.plugins.slice(0, 1).map((plugin) => ({ ...plugin, id: PLUGIN, source: root, config })),
  }));
  return { ...local, projects };
}

function announce(service: Service, folder: string): void {
  const { dim } = terminal.noteColors;
  terminal.note(`Serving ${stateOf(service) ?? folder} at ${service.url}, token ${LOCAL_TOKEN}; Ctrl+C ends it`);
  const body = `{"api_key": "${LOCAL_TOKEN}", "event": "hello", "distinct_id": "me"}`;
  terminal.note(dim(`  curl -H 'Content-Type: application/json' ${service.url}/capture -d '${body}'`));
}

/** The plugin's name, or why it does not run. */
function stateOf({ plugins }: Service): string | undefined {
  const [view] = plugins.list();
  const { red } = terminal.noteColors;
  if (view?.status.lastError && view.status.state !== "running") {
    return red(`${view.manifest?.name ?? "a plugin"} (${view.status.state}: ${view.status.lastError.message})`);
  }
  return view?.manifest?.name;
}

async function followReloads(
  service: Service,
  root: string,
  { config }: DevCommand,
  readConfig: () => Promise<HogpenConfig>,
  signal: AbortSignal,
): Promise<void> {
  const folders = [root, ...(config === undefined ? [] : [resolve(config, "..")])];
  for await (const _ of watchFolders(folders, signal)) {
    const started = performance.now();
    try {
      await service.apply(await readConfig(), new Set([PLUGIN]));
      await service.ready();
      terminal.note(`Reloaded ${stateOf(service)} in ${Math.round(performance.now() - started)} ms`);
    } catch (error) {
      terminal.note(terminal.noteColors.red(`Cannot reload: ${(error as Error).message}`));
    }
  }
}

async function printEvents(service: Service, { json }: DevCommand, signal: AbortSignal): Promise<void> {
  for await (const event of followEvents(service.log, 1, signal)) {
    if (json) terminal.json(event);
    else for (const line of describe(event)) terminal.print(line);
  }
}

function describe({ before, after }: RoutedEvent): string[] {
  const { bold, red, green } = terminal.colors;
  const name = bold(String(before.event));
  if (after === null) return [`${name}: ${red("dropped")}`];
  const failed = (after.properties as { $plugins_failed?: unknown[] }).$plugins_failed ?? [];
  if (failed.length > 0) return [`${name}: ${red("the plugin failed; the event went on as it was")}`];
  const changes = changesOf(before, after).filter((change) => !isOurs(change, before));
  return [
    `${name}: ${green(changes.length === 0 ? "unchanged" : "changed")}`,
    ...describeChanges(changes, terminal.colors).map((line) => `  ${line}`),
  ];
}

/** Changes that the service makes to every event, whatever the plugin does. */
function isOurs({ path, ...change }: Change, { ip }: RoutedEvent["before"]): boolean {
  if (path === "properties.$ip") return !("before" in change) && change.after === ip;
  return path === "timestamp" && !("before" in change) || /^properties\.\$plugins_/.test(path);
}

async function printLogs(api: Awaited<ReturnType<typeof openApi>>, { json }: DevCommand): Promise<void> {
  const { dim, red } = terminal.noteColors;
  for await (const { type, source, message } of readLogs(api, String(PLUGIN), { follow: true })) {
    if (json || source === "SYSTEM" && type !== "ERROR") continue;
    terminal.note(`${type === "ERROR" ? red(type) : dim(type)} ${printableMessage(message)}`);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
