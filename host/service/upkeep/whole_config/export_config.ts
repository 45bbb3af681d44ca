/**
 * Exports everything that runs as one hogpen.json: what the file says, and what was made through the API. Archives,
 * attachments and secrets become files of their own, so that hogpen.json itself can be shown to anybody.
 * @module
 */

import { isAbsolute, resolve } from "node:path";
import { isRecord } from "../../../../runtime/is_record.ts";
import { looksSecret } from "../../../config/looks_secret.ts";
import { isSecretOption } from "../../../http/hide_destination.ts";
import type { ManagedThings } from "../../../managed/managed_things.ts";
import type { DestinationValue, PluginValue, ProjectValue } from "../../../managed/managed_values.ts";
import type { ManagedPlugin } from "../../../managed/thing_codec.ts";

/** hogpen.json as its author wrote it. */
export interface WrittenConfig {
  /** References such as `{"$env": "NAME"}` are not resolved. */
  projects: Record<string, unknown>[];
  /** The folder that its relative paths are relative to. */
  folder: string;
}

export interface ExportedFile {
  /** Relative to the folder of the export. */
  path: string;
  contents: Uint8Array;
}

export interface ExportedConfig {
  config: { projects: Record<string, unknown>[] };
  files: ExportedFile[];
}

export interface ExportOptions {
  written: WrittenConfig;
  things: Pick<ManagedThings, "current" | "getBlob">;
  /**
   * The keys that the plugin's plugin.json marks as secret. Null if it cannot be read, in which case every text may be
   * one.
   */
  secretKeys(plugin: ManagedPlugin): Promise<ReadonlySet<string> | null>;
}

/**
 * Projects in the order of the file, then those of the API. Rejects if an upload that a plugin config names no longer
 * exists.
 */
export async function exportConfig({ written, things, secretKeys }: ExportOptions): Promise<ExportedConfig> {
  const managed = things.current();
  const files: ExportedFile[] = [];
  const projects = written.projects.map((project) => withAbsolutePaths(project, written.folder));
  const taken = new Set(projects.flatMap((project) => listOf(project.plugins).map(({ id }) => id)));

  for (const { value } of managed.projects.values()) {
    if (projects.some(({ id, token }) => id === value.id || token === value.token)) continue;
    projects.push(projectEntry(value, files));
  }
  for (const { value } of managed.plugins.values()) {
    const project = projects.find(({ id }) => id === value.teamId);
    if (project === undefined || taken.has(value.id)) continue;
    project.plugins = [...listOf(project.plugins), await exportPlugin(value)];
  }
  for (const { value } of managed.destinations.values()) {
    const project = projects.find(({ id }) => id === value.teamId);
    if (project === undefined || listOf(project.destinations).some(({ id }) => id === value.entry.id)) continue;
    project.destinations = [...listOf(project.destinations), destinationEntry(value.teamId, value.entry, files)];
  }
  return { config: { projects }, files };

  async function exportPlugin(plugin: ManagedPlugin): Promise<Record<string, unknown>> {
    const { id, archive, attachments, entry } = plugin;
    const keys = await secretKeys(plugin);
    const config = withoutSecrets(
      entry.config,
      `plugin_${id}`,
      files,
      (path, value) => {
        const [field = ""] = path;
        return keys === null || (path.length === 1 && keys.has(field)) || looksSecret(path.at(-1) ?? "", value);
      },
    );
    const paths: Record<string, string> = {};
    for (const [key, { file_name, blob }] of Object.entries(attachments)) {
      paths[key] = await exportBlob(blob, `attachments/${id}/${safe(key)}/${safe(file_name)}`);
    }
    const source = archive === null ? entry.source : await exportBlob(archive, `plugins/${id}.zip`);
    return { id, ...withoutDefaults(entry), source, ...filled({ config, attachments: paths }) };
  }

  async function exportBlob(blob: string, path: string): Promise<string> {
    const contents = await things.getBlob(blob);
    if (contents === null) throw new Error(`Cannot export ${path}: the store has no upload ${blob}`);
    files.push({ path, contents });
    return `./${path}`;
  }
}

function projectEntry({ upstream, ...project }: ProjectValue, files: ExportedFile[]): Record<string, unknown> {
  return {
    ...project,
    ...(upstream && {
      upstream: withoutSecrets(
        upstream,
        `project_${project.id}_upstream`,
        files,
        (path, value) => looksSecret(path.at(-1) ?? "", value),
      ),
    }),
  };
}

function destinationEntry(teamId: number, entry: DestinationValue, files: ExportedFile[]): Record<string, unknown> {
  return withoutSecrets(
    entry,
    `destination_${teamId}_${entry.id}`,
    files,
    (path, value) => isSecretOption(entry.type, path, value),
  );
}

/** Leaves out fields that have their default value. */
function withoutDefaults({ enabled, order, cell, egress, config: _, ...rest }: PluginValue): Record<string, unknown> {
  return {
    ...rest,
    ...(!enabled && { enabled }),
    ...(order !== 0 && { order }),
    ...(cell !== null && { cell }),
    ...(egress.allow.length > 0 && { egress }),
  };
}

function filled(fields: Record<string, object>): Record<string, object> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => Object.keys(value).length > 0));
}

/** Replaces each secret text by a reference to a new file. */
function withoutSecrets(
  value: Record<string, unknown>,
  place: string,
  files: ExportedFile[],
  /** `path` contains the names of the fields that lead to the value. */
  isSecret: (path: readonly string[], value: unknown) => boolean,
): Record<string, unknown> {
  function replace(value: unknown, path: readonly string[], place: string): unknown {
    if (Array.isArray(value)) return value.map((each, index) => replace(each, path, `${place}_${index}`));
    if (isRecord(value)) return replaceFields(value, path, place);
    if (typeof value !== "string" || value === "" || !isSecret(path, value)) return value;
    const file = freePath(`secrets/${place}`, files);
    // Resolving a reference to a file drops the final line end, so one is added.
    files.push({ path: file, contents: new TextEncoder().encode(`${value}\n`) });
    return { $file: file };
  }

  function replaceFields(value: Record<string, unknown>, path: readonly string[], place: string) {
    return mapValues(value, (each, key) => replace(each, [...path, key], `${place}_${safe(key)}`));
  }

  return replaceFields(value, [], place);
}

function freePath(path: string, files: readonly ExportedFile[]): string {
  for (let count = 1;; count++) {
    const free = count === 1 ? path : `${path}_${count}`;
    if (!files.some((file) => file.path === free)) return free;
  }
}

/** Makes the text usable as a file name. */
function safe(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9._-]/g, "_").replace(/^\.+/, "_").slice(-100) || "_";
}

/** Relative paths are made absolute, because the export is in a different folder than the file. */
function withAbsolutePaths(given: Record<string, unknown>, folder: string): Record<string, unknown> {
  const project = withAbsoluteReferences(given, folder);
  if (project.plugins === undefined) return project;
  const plugins = listOf(project.plugins).map(({ source, attachments, ...rest }) => ({
    ...rest,
    source: absolute(source, folder),
    ...(isRecord(attachments) && { attachments: mapValues(attachments, (path) => absolute(path, folder)) }),
  }));
  return { ...project, plugins };
}

function withAbsoluteReferences(value: Record<string, unknown>, folder: string): Record<string, unknown> {
  return mapValues(value, (each, key) => {
    if (key === "$file") return absolute(each, folder);
    if (Array.isArray(each)) return each.map((item) => isRecord(item) ? withAbsoluteReferences(item, folder) : item);
    return isRecord(each) ? withAbsoluteReferences(each, folder) : each;
  });
}

/** URLs and values that are not text stay as they are. */
function absolute(path: unknown, folder: string): unknown {
  if (typeof path !== "string" || isAbsolute(path) || /^(?:https?|file):/i.test(path)) return path;
  return resolve(folder, path);
}

function mapValues(
  value: Record<string, unknown>,
  change: (value: unknown, key: string) => unknown,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, change(each, key)]));
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}
