/**
 * `export`: writes everything that runs as one hogpen.json. It reads the store directly, so that it works while the
 * service is down.
 * @module
 */

import { dirname, join, resolve } from "node:path";
import { isRecord } from "../../runtime/is_record.ts";
import type { HogpenConfig } from "../config/config.ts";
import type { Settings } from "../config/settings.ts";
import { readManifest } from "../loader/load_plugin.ts";
import type { ManagedPlugin } from "../managed/thing_codec.ts";
import { createPluginLoader } from "../service/load_plugins.ts";
import { exportConfig, type WrittenConfig } from "../service/upkeep/whole_config/export_config.ts";
import { readOwnConfig, withManaged } from "./program/managed_store.ts";
import type { GivenSettings } from "./program/settings_options.ts";
import { CommandError, EXIT_USAGE, terminal } from "./program/terminal.ts";

/** Writes hogpen.json and the files that it names into a new or empty folder. Rejects with a CommandError. */
export async function exportAll(folder: string, { settings, configGiven }: GivenSettings): Promise<void> {
  const own = await readOwnConfig(settings, configGiven);
  const written = await readWritten(settings, own);
  await requireEmpty(folder);
  await withManaged(settings, async (things) => {
    await using loader = await createPluginLoader(settings);
    const { projects } = await things.combine(own);
    const configs = new Map(projects.flatMap(({ plugins }) => plugins.map((config) => [config.id, config] as const)));
    async function secretKeys(plugin: ManagedPlugin): Promise<ReadonlySet<string> | null> {
      const config = configs.get(plugin.id);
      if (config === undefined || typeof config.source !== "string") return null;
      try {
        const { config: fields } = await readManifest(await loader.open(config));
        return fields.length === 0 ? null : new Set(fields.flatMap(({ key, secret }) => secret && key ? [key] : []));
      } catch {
        terminal.note(
          `Cannot read plugin.json of plugin config ${plugin.id}: all texts of its configuration are taken for secret`,
        );
        return null;
      }
    }
    const { config, files } = await exportConfig({ written, things, secretKeys });
    for (const { path, contents } of files) await write(join(folder, path), contents);
    await write(join(folder, "hogpen.json"), new TextEncoder().encode(`${JSON.stringify(config, null, 2)}\n`));
    const secrets = files.filter(({ path }) => path.startsWith("secrets/")).length;
    terminal.print(`Exported ${describe(config.projects)} to ${join(folder, "hogpen.json")}`);
    if (secrets > 0) {
      terminal.note(`${secrets} secrets are in ${join(folder, "secrets")}: keep that folder from others`);
    }
  });
}

/** The file as its author wrote it; if there is none, the configuration that runs by default. */
async function readWritten(settings: Settings, own: HogpenConfig): Promise<WrittenConfig> {
  const folder = dirname(resolve(settings.config));
  const text = await Deno.readTextFile(settings.config).catch(() => null);
  if (text === null) return { folder, projects: own.projects.map(asWritten) };
  const { projects } = JSON.parse(text.replace(/^\uFEFF/, "")) as { projects: unknown[] };
  return { folder, projects: projects.filter(isRecord) };
}

function asWritten({ upstream, plugins, destinations, ...project }: HogpenConfig["projects"][number]) {
  return {
    ...project,
    plugins: plugins.map(({ id, source, order }) => ({ id, source, order })),
    destinations: destinations.map(({ id, type, options }) => ({ id, type, ...options })),
    ...(upstream && { upstream: { type: "posthog", host: upstream.host } }),
  };
}

async function requireEmpty(folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  for await (const { name } of Deno.readDir(folder)) {
    throw new CommandError(
      `Cannot export to ${folder}: found ${name} in it, expected a new or empty folder`,
      EXIT_USAGE,
    );
  }
}

async function write(path: string, contents: Uint8Array): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await Deno.writeFile(path, contents, { mode: 0o600, createNew: true });
}

function describe(projects: readonly Record<string, unknown>[]): string {
  const count = (key: string) =>
    projects.reduce((sum, { [key]: list }) => sum + (Array.isArray(list) ? list.length : 0), 0);
  return `${projects.length} projects, ${count("plugins")} plugin configs and ${count("destinations")} destinations`;
}
