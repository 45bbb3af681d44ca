/**
 * Turns what a hogpen.json contains into things of the API. They are stored with the ids in the file, so that they keep
 * their storage, cursors and logs.
 * @module
 */

import { basename, dirname, resolve } from "node:path";
import type { HogpenConfig } from "../../../config/config.ts";
import type { ConfigFile } from "../../../config/config_schema.ts";
import { MAX_ATTACHMENT_BYTES, readAttachment } from "../../../config/reading/read_attachment.ts";
import { type DestinationEntry, type PluginEntry, resolveSource } from "../../../config/read_config.ts";
import { hideSecrets } from "../../../http/access/hide_secrets.ts";
import { hideEntry } from "../../../http/hide_destination.ts";
import { auditedPlugin } from "../../../http/routes/managed/audited_plugin.ts";
import type { ManagedChange, ManagedThings } from "../../../managed/managed_things.ts";
import type { AttachmentValue } from "../../../managed/managed_values.ts";
import type { ManagedPlugin } from "../../../managed/thing_codec.ts";

export interface ImportOptions {
  /** The file to import. Its relative paths are relative to its folder. */
  path: string;
  entries: ConfigFile;
  /** The service's own file. What it defines stays there. */
  own: HogpenConfig;
  things: Pick<ManagedThings, "current" | "putBlob" | "putAll">;
  actor: string;
  /** With `dryRun`, nothing is changed. */
  dryRun: boolean;
}

export interface ImportReport {
  /** For example `plugin config 3` or `project 1`. */
  made: string[];
  changed: string[];
  /** One line for each thing that was left as it is, with the reason. */
  left: string[];
  /** What the operator should know. */
  notes: string[];
}

/**
 * Imports all of it or nothing. Rejects with an error for the operator if something cannot be read, or if a token
 * belongs to another project.
 */
export async function importConfig(options: ImportOptions): Promise<ImportReport> {
  const { path, entries, own, things, actor, dryRun } = options;
  const folder = dirname(resolve(path));
  const managed = things.current();
  const changes: ManagedChange[] = [];
  const report: ImportReport = { made: [], changed: [], left: [], notes: [] };

  for (const { plugins, destinations, ...project } of entries.projects) {
    const ownProject = own.projects.find(({ id }) => id === project.id);
    if (ownProject !== undefined) {
      if (ownProject.token !== project.token) {
        throw new Error(
          `Cannot import project ${project.id}: the service's own configuration has one of this id with another token`,
        );
      }
      report.left.push(`project ${project.id} stands in the service's own configuration`);
    } else {
      requireFreeToken(project);
      const before = managed.projects.get(project.id)?.value;
      add(`project ${project.id}`, { kind: "project", value: project, context: contextOf(before, project) });
    }
    for (const plugin of plugins) await addPlugin(plugin, project.id);
    for (const destination of destinations) addDestination(destination, project.id);
  }
  if (!dryRun && changes.length > 0) await things.putAll(changes);
  return report;

  function add(what: string, change: ManagedChange): void {
    (change.context.before === null ? report.made : report.changed).push(what);
    changes.push(change);
  }

  function contextOf(before: unknown, after: unknown): ManagedChange["context"] {
    return { actor, action: "import", before: hideSecrets(before ?? null), after: hideSecrets(after) };
  }

  function requireFreeToken({ id, token }: { id: number; token: string }): void {
    const others = [...own.projects, ...Array.from(managed.projects.values(), ({ value }) => value)];
    const other = others.find((project) => project.token === token && project.id !== id);
    if (other !== undefined) throw new Error(`Cannot import project ${id}: project ${other.id} has its token`);
  }

  async function addPlugin({ id, attachments, ...rest }: PluginEntry, teamId: number): Promise<void> {
    const owner = own.projects.find(({ plugins }) => plugins.some((plugin) => plugin.id === id));
    if (owner !== undefined) {
      report.left.push(`plugin config ${id} stands in the service's own configuration`);
      return;
    }
    const { source, archive } = await sourceOf(rest.source, id);
    const value: ManagedPlugin = {
      id,
      teamId,
      archive,
      attachments: await attachmentsOf(attachments, id),
      entry: { ...rest, source },
    };
    const before = managed.plugins.get(id)?.value;
    const context = contextOf(before && auditedPlugin(before), auditedPlugin(value));
    add(`plugin config ${id}`, { kind: "plugin", value, context });
  }

  /** An archive is copied into the store; a folder stays where it is. */
  async function sourceOf(source: PluginEntry["source"], id: number) {
    if (typeof source !== "string" || /^https?:/i.test(source)) return { source, archive: null };
    const place = resolveSource(source, folder);
    const info = await Deno.stat(place).catch(() => null);
    if (info === null) throw new Error(`Cannot import plugin config ${id}: there is no ${place}`);
    if (info.isDirectory) {
      report.notes.push(`plugin config ${id} is read from ${place}, which must stay there`);
      return { source: place, archive: null };
    }
    const archive = await blobOf(await Deno.readFile(place));
    return { source: `upload:${archive}`, archive };
  }

  async function attachmentsOf(paths: Record<string, string>, id: number): Promise<Record<string, AttachmentValue>> {
    const attachments: Record<string, AttachmentValue> = {};
    let bytes = 0;
    for (const [key, path] of Object.entries(paths)) {
      const { contents, content_type } = await readAttachment(resolve(folder, path)).catch((cause) => {
        throw new Error(`Cannot import attachment ${key} of plugin config ${id}: ${cause.message}`, { cause });
      });
      bytes += contents.byteLength;
      const blob = await blobOf(contents);
      attachments[key] = { file_name: basename(path), content_type, size: contents.byteLength, blob };
    }
    if (bytes <= MAX_ATTACHMENT_BYTES) return attachments;
    throw new Error(
      `Cannot import plugin config ${id}: found attachments of ${bytes} bytes together, expected at most ${MAX_ATTACHMENT_BYTES}`,
    );
  }

  async function blobOf(contents: Uint8Array): Promise<string> {
    return dryRun ? "" : await things.putBlob(contents);
  }

  function addDestination(entry: DestinationEntry, teamId: number): void {
    const place = `${teamId}/${entry.id}`;
    if (own.projects.some(({ id, destinations }) => id === teamId && destinations.some(({ id }) => id === entry.id))) {
      report.left.push(`destination ${place} stands in the service's own configuration`);
      return;
    }
    const before = managed.destinations.get(place)?.value.entry;
    const context = contextOf(before && hideEntry(before), hideEntry(entry));
    add(`destination ${place}`, { kind: "destination", value: { teamId, entry }, context });
  }
}
