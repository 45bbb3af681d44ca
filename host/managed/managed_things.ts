/**
 * Projects, plugin configs and destinations made through the API: read, changed and put into the configuration that runs. A change and its
 * audit are stored together; what runs follows.
 * @module
 */

import { createHash } from "node:crypto";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import type { DestinationConfig, HogpenConfig, PluginConfig, ProjectConfig } from "../config/config.ts";
import { toUpstream } from "../config/upstream.ts";
import { type ConfigDefaults, toDestinationConfig, toPluginConfig } from "../config/read_config.ts";
import type { NewAuditEntry, Thing, ThingChange, ThingConflict, Things } from "../store/things.ts";
import {
  type AttachmentValue,
  completeDestination,
  type DestinationValue,
  destinationValue,
  FIRST_ID,
  KINDS,
  pluginEntry,
  type PluginValue,
  type ProjectValue,
  projectValue,
  storedDestination,
  type StoredPlugin,
  storedPlugin,
} from "./managed_values.ts";
import type { Seal } from "./seal.ts";

/** A thing with the version that a change must name. */
export interface Versioned<T> {
  version: number;
  updatedAt: number;
  value: T;
}

export interface ManagedPlugin {
  id: number;
  teamId: number;
  archive: string | null;
  attachments: Record<string, AttachmentValue>;
  entry: PluginValue;
}

export interface ManagedDestination {
  teamId: number;
  entry: DestinationValue;
}

export interface Managed {
  projects: ReadonlyMap<number, Versioned<ProjectValue>>;
  plugins: ReadonlyMap<number, Versioned<ManagedPlugin>>;
  /** By `<project>/<id>`. */
  destinations: ReadonlyMap<string, Versioned<ManagedDestination>>;
}

export interface Revision {
  version: number;
  at: number;
  actor: string;
  plugin: ManagedPlugin;
}

/** Who changes what, and from which version on; null: whatever it is. */
export interface ChangeContext {
  actor: string;
  action: string;
  ifVersion: number | null;
  before: unknown;
  after: unknown;
}

export interface ManagedThings {
  current(): Managed;
  /** Reads the store anew; true when something changed. */
  reload(): Promise<boolean>;
  /** The configuration of the file with what was made here. What conflicts with the file is left out. */
  combine(file: HogpenConfig): Promise<HogpenConfig>;
  nextId(kind: "project" | "plugin"): number;
  putProject(project: ProjectValue, context: ChangeContext): Promise<Outcome>;
  putPlugin(plugin: ManagedPlugin, context: ChangeContext): Promise<Outcome>;
  putDestination(teamId: number, entry: DestinationValue, context: ChangeContext): Promise<Outcome>;
  remove(kind: "project" | "plugin" | "destination", id: string, context: ChangeContext): Promise<Outcome>;
  /** Keeps bytes by what they hash to. */
  putBlob(bytes: Uint8Array): Promise<string>;
  getBlob(id: string): Promise<Uint8Array | null>;
  /** An uploaded archive as a file that the loader reads. */
  materialize(id: string): Promise<string>;
  /** What a plugin config was before each change, newest first. */
  revisions(id: number): Promise<Revision[]>;
}

/** The new version, or null when the thing has another one than the change was made for. */
export type Outcome = { version: number } | null;

const KEPT_REVISIONS = 50;

export interface ManagedThingsOptions {
  things: Things;
  seal: Seal;
  defaults: ConfigDefaults;
  /** Uploaded archives are put there to be loaded. */
  folder: string;
  onError(message: string): void;
}

export async function openManagedThings(options: ManagedThingsOptions): Promise<ManagedThings> {
  const { things, seal, defaults, folder, onError } = options;
  let seen = "";
  let state = await read();

  async function read(): Promise<Managed> {
    const [projects, plugins, destinations] = await Promise.all(
      [KINDS.project, KINDS.plugin, KINDS.destination].map((kind) => things.list(kind)),
    ) as [Thing[], Thing[], Thing[]];
    seen = JSON.stringify(
      [projects, plugins, destinations].map((list) => list.map(({ id, version }) => [id, version])),
    );
    return {
      projects: readable(projects, (thing) => [Number(thing.id), projectValue.parse(JSON.parse(thing.value))]),
      plugins: readable(plugins, (thing) => [Number(thing.id), readPlugin(thing)]),
      destinations: readable(destinations, (thing) => [thing.id, readDestination(thing)]),
    };
  }

  /** What cannot be read, for its key is another, must not keep the rest from running. */
  function readable<K, T>(list: Thing[], convert: (thing: Thing) => [K, T]): Map<K, Versioned<T>> {
    return new Map(list.flatMap((thing) => {
      try {
        const [key, value] = convert(thing);
        return [[key, { version: thing.version, updatedAt: thing.updatedAt, value }] as const];
      } catch (error) {
        onError(`Cannot use ${thing.kind} ${thing.id}: ${error instanceof Error ? error.message : error}`);
        return [];
      }
    }));
  }

  function readPlugin({ id, value }: Pick<Thing, "id" | "value">): ManagedPlugin {
    const { sealed, ...stored } = storedPlugin.parse(JSON.parse(value));
    const entry = pluginEntry.parse(JSON.parse(seal.open(sealed, `${KINDS.plugin}/${id}`)));
    return { ...stored, id: Number(id), entry };
  }

  function readDestination({ id, value }: Thing): ManagedDestination {
    const { teamId, sealed } = storedDestination.parse(JSON.parse(value));
    return { teamId, entry: destinationValue.parse(JSON.parse(seal.open(sealed, `${KINDS.destination}/${id}`))) };
  }

  function sealPlugin({ id, teamId, archive, attachments, entry }: ManagedPlugin): string {
    const sealed = seal.close(JSON.stringify(entry), `${KINDS.plugin}/${id}`);
    return JSON.stringify({ teamId, archive, attachments, sealed } satisfies StoredPlugin);
  }

  async function write(changes: ThingChange[], target: string, context: ChangeContext): Promise<Outcome> {
    const [first, ...rest] = changes;
    if (first === undefined) return null;
    const asked = context.ifVersion === null ? first : { ...first, ifVersion: context.ifVersion };
    const text = (value: unknown) => value === null || value === undefined ? null : JSON.stringify(value);
    const entry: NewAuditEntry = {
      actor: context.actor,
      action: context.action,
      target,
      before: text(context.before),
      after: text(context.after),
    };
    const written: Thing[] | ThingConflict = await things.change([asked, ...rest], [entry]);
    state = await read();
    if ("conflict" in written) return null;
    return { version: written.find(({ kind, id }) => kind === first.kind && id === first.id)?.version ?? 0 };
  }

  async function toConfig({ version: _, value }: Versioned<ManagedPlugin>): Promise<PluginConfig> {
    const source = value.archive === null ? value.entry.source : await materialize(value.archive);
    const config = toPluginConfig(
      { ...value.entry, source, id: value.id, attachments: {} },
      value.teamId,
      "/",
      defaults,
    );
    const attachments: PluginConfig["attachments"] = {};
    for (const [key, { file_name, content_type, blob }] of Object.entries(value.attachments)) {
      attachments[key] = { file_name, content_type, contents: await getBlob(blob) ?? new Uint8Array() };
    }
    return { ...config, attachments };
  }

  /** What an upstream that is gone had to give it must not keep the rest from running. */
  function toDestination(entry: DestinationValue, project: ProjectConfig): DestinationConfig[] {
    try {
      return [toDestinationConfig(completeDestination(entry, project))];
    } catch (error) {
      onError(`Cannot use destination ${project.id}/${entry.id}: ${error instanceof Error ? error.message : error}`);
      return [];
    }
  }

  /** An uploaded archive as a file that the loader reads. */
  async function materialize(blob: string): Promise<string> {
    const path = join(folder, `${blob}.zip`);
    if (await Deno.stat(path).catch(() => null) !== null) return path;
    await Deno.mkdir(folder, { recursive: true });
    const bytes = await getBlob(blob);
    if (bytes !== null) {
      // Whole or not at all: the next start would take half of it for the archive.
      await Deno.writeFile(`${path}.part`, bytes);
      await Deno.rename(`${path}.part`, path);
    }
    return path;
  }

  async function getBlob(id: string): Promise<Uint8Array | null> {
    const thing = await things.get(KINDS.blob, id);
    return thing && new Uint8Array(Buffer.from(seal.open(thing.value, `${KINDS.blob}/${id}`), "base64"));
  }

  async function renewSeals(): Promise<void> {
    const renewed: ThingChange[] = [];
    for (const kind of [KINDS.plugin, KINDS.destination]) {
      for (const thing of await things.list(kind)) {
        const { sealed, ...rest } = JSON.parse(thing.value) as { sealed: string };
        const place = `${kind}/${thing.id}`;
        if (!seal.isOld(sealed)) continue;
        const value = JSON.stringify({ ...rest, sealed: seal.close(seal.open(sealed, place), place) });
        renewed.push({ kind, id: thing.id, value, ifVersion: thing.version });
      }
    }
    if (renewed.length > 0) await things.change(renewed, []);
  }

  await renewSeals().catch((error) => onError(`Cannot seal secrets with the new key: ${error.message}`));
  state = await read();

  return {
    current: () => state,
    async reload() {
      const before = seen;
      state = await read();
      return seen !== before;
    },
    async combine(file) {
      const taken = new Set(file.projects.flatMap(({ plugins }) => plugins.map(({ id }) => id)));
      const tokens = new Set(file.projects.map(({ token }) => token));
      const own = Array.from(state.projects.values(), ({ value }): ProjectConfig => ({
        id: value.id,
        name: value.name ?? `Project ${value.id}`,
        token: value.token,
        anonymizeIps: value.anonymizeIps,
        ...(value.upstream !== undefined && { upstream: toUpstream(value.upstream) }),
        plugins: [],
        destinations: [],
      })).filter(({ id, token }) => !tokens.has(token) && !file.projects.some((project) => project.id === id));
      const plugins = await Promise.all(
        Array.from(state.plugins.values()).filter(({ value }) => !taken.has(value.id)).map(toConfig),
      );
      return {
        projects: [...file.projects, ...own].map((project) => ({
          ...project,
          plugins: [...project.plugins, ...plugins.filter(({ teamId }) => teamId === project.id)],
          destinations: [
            ...project.destinations,
            ...Array.from(state.destinations.values()).filter(({ value }) =>
              value.teamId === project.id && !project.destinations.some(({ id }) => id === value.entry.id)
            ).flatMap(({ value }) => toDestination(value.entry, project)),
          ],
        })),
      };
    },
    nextId: (kind) => Math.max(FIRST_ID - 1, ...(kind === "project" ? state.projects : state.plugins).keys()) + 1,
    putProject: (project, context) =>
      write(
        [{ kind: KINDS.project, id: String(project.id), value: JSON.stringify(project) }],
        `projects/${project.id}`,
        context,
      ),
    async putPlugin(plugin, context) {
      const id = String(plugin.id);
      const old = await things.get(KINDS.plugin, id);
      const revision: ThingChange[] = old === null ? [] : [{
        kind: `${KINDS.revision}/${id}`,
        id: String(old.version).padStart(10, "0"),
        value: JSON.stringify({ at: old.updatedAt, actor: context.actor, value: old.value }),
      }];
      const revisions = await things.list(`${KINDS.revision}/${id}`);
      const gone = revisions.slice(0, Math.max(0, revisions.length + 1 - KEPT_REVISIONS))
        .map(({ kind, id }): ThingChange => ({ kind, id, value: null }));
      return await write(
        [{ kind: KINDS.plugin, id, value: sealPlugin(plugin) }, ...revision, ...gone],
        `plugin_configs/${id}`,
        context,
      );
    },
    putDestination(teamId, entry, context) {
      const id = `${teamId}/${entry.id}`;
      const sealed = seal.close(JSON.stringify(entry), `${KINDS.destination}/${id}`);
      const value = JSON.stringify({ teamId, sealed });
      return write([{ kind: KINDS.destination, id, value }], `destinations/${id}`, context);
    },
    remove: (kind, id, context) =>
      write([{ kind: KINDS[kind], id, value: null }], `${kind === "plugin" ? "plugin_config" : kind}s/${id}`, context),
    async putBlob(bytes) {
      const id = createHash("sha256").update(bytes).digest("hex");
      const value = seal.close(Buffer.from(bytes).toString("base64"), `${KINDS.blob}/${id}`);
      await things.change([{ kind: KINDS.blob, id, value }], []);
      return id;
    },
    getBlob,
    materialize,
    async revisions(id) {
      const list = await things.list(`${KINDS.revision}/${id}`);
      return list.toReversed().map((thing) => {
        const { at, actor, value } = JSON.parse(thing.value) as { at: number; actor: string; value: string };
        return { version: Number(thing.id), at, actor, plugin: readPlugin({ id: String(id), value }) };
      });
    },
  };
}
