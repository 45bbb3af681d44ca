/**
 * Projects, plugin configs and destinations that were made through the API. They are read, changed and merged into the
 * running configuration. A change and its audit entry are stored together; the running service is updated afterwards.
 * @module
 */

import { createHash } from "node:crypto";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import type {
  DestinationConfig,
  HogpenConfig,
  PluginConfig,
  ProjectConfig,
  UnreadableThings,
} from "../config/config.ts";
import { toUpstream } from "../config/upstream.ts";
import { type ConfigDefaults, toDestinationConfig, toPluginConfig } from "../config/read_config.ts";
import type { NewAuditEntry, Thing, ThingChange, ThingConflict, Things } from "../store/things.ts";
import {
  completeDestination,
  type DestinationValue,
  FIRST_ID,
  KINDS,
  type ProjectValue,
  projectValue,
} from "./managed_values.ts";
import type { Seal } from "./seal.ts";
import { createThingCodec, type ManagedDestination, type ManagedPlugin } from "./thing_codec.ts";
import { noteUnreadable } from "./unreadable.ts";

/** A thing, with the version that a change to it must name. */
export interface Versioned<T> {
  version: number;
  updatedAt: number;
  value: T;
}

export interface Managed {
  projects: ReadonlyMap<number, Versioned<ProjectValue>>;
  plugins: ReadonlyMap<number, Versioned<ManagedPlugin>>;
  /** By `<project>/<id>`. */
  destinations: ReadonlyMap<string, Versioned<ManagedDestination>>;
  /** What cannot be opened here, by project. */
  unreadable: ReadonlyMap<number, UnreadableThings>;
}

export interface Revision {
  version: number;
  at: number;
  actor: string;
  plugin: ManagedPlugin;
}

/** Who makes the change, and the version that it expects; null accepts any version. */
export interface ChangeContext {
  actor: string;
  action: string;
  ifVersion: number | null;
  before: unknown;
  after: unknown;
}

/** The new value of a thing, and what the audit records about the change. */
export type ManagedChange =
  & { context: Omit<ChangeContext, "ifVersion"> }
  & (
    | { kind: "project"; value: ProjectValue }
    | { kind: "plugin"; value: ManagedPlugin }
    | { kind: "destination"; value: ManagedDestination }
  );

export interface ManagedThings {
  current(): Managed;
  /**
   * Reads the store again if anything changed there since the last time, whoever changed it. True if something had
   * changed.
   */
  reload(): Promise<boolean>;
  /**
   * The configuration of the file, merged with what was made through the API. Anything that conflicts with the file is
   * left out. Projects name what could not be opened.
   */
  combine(file: HogpenConfig): Promise<HogpenConfig>;
  nextId(kind: "project" | "plugin"): number;
  putProject(project: ProjectValue, context: ChangeContext): Promise<Outcome>;
  putPlugin(plugin: ManagedPlugin, context: ChangeContext): Promise<Outcome>;
  putDestination(destination: ManagedDestination, context: ChangeContext): Promise<Outcome>;
  remove(kind: "project" | "plugin" | "destination", id: string, context: ChangeContext): Promise<Outcome>;
  /** Creates or changes all of them or none, whatever versions they have. */
  putAll(all: ManagedChange[]): Promise<void>;
  /** Stores bytes under their hash. */
  putBlob(bytes: Uint8Array): Promise<string>;
  getBlob(id: string): Promise<Uint8Array | null>;
  /** Writes an uploaded archive to a file that the loader can read; resolves with its path. */
  materialize(id: string): Promise<string>;
  /** The plugin config before each of its changes, newest first. */
  revisions(id: number): Promise<Revision[]>;
}

/** The new version; null if the thing did not have the version that the change expected. */
export type Outcome = { version: number } | null;

const KEPT_REVISIONS = 50;

export interface ManagedThingsOptions {
  things: Things;
  seal: Seal;
  defaults: ConfigDefaults;
  /** Uploaded archives are written here to be loaded. */
  folder: string;
  onError(message: string): void;
}

export async function openManagedThings(options: ManagedThingsOptions): Promise<ManagedThings> {
  const { things, seal, defaults, folder, onError } = options;
  const codec = createThingCodec(seal);
  let stamp = await readStamp();
  let state = await read();

  async function readStamp(): Promise<string> {
    const kinds = [KINDS.project, KINDS.plugin, KINDS.destination];
    return (await Promise.all(kinds.map((kind) => things.stamp(kind)))).join();
  }

  async function read(): Promise<Managed> {
    const [projects, plugins, destinations] = await Promise.all(
      [KINDS.project, KINDS.plugin, KINDS.destination].map((kind) => things.list(kind)),
    ) as [Thing[], Thing[], Thing[]];
    const unreadable = new Map<number, UnreadableThings>();
    return {
      projects: readable(projects, (thing) => [Number(thing.id), projectValue.parse(JSON.parse(thing.value))]),
      plugins: readable(plugins, (thing) => [Number(thing.id), codec.openPlugin(thing)]),
      destinations: readable(destinations, (thing) => [thing.id, codec.openDestination(thing)]),
      unreadable,
    };

    /** A thing that cannot be opened must not keep other projects from running. */
    function readable<K, T>(list: Thing[], convert: (thing: Thing) => [K, T]): Map<K, Versioned<T>> {
      return new Map(list.flatMap((thing) => {
        try {
          const [key, value] = convert(thing);
          return [[key, { version: thing.version, updatedAt: thing.updatedAt, value }] as const];
        } catch (error) {
          const reason = messageOf(error);
          onError(`Cannot use ${thing.kind} ${thing.id}: ${reason}`);
          noteUnreadable(unreadable, thing, reason);
          return [];
        }
      }));
    }
  }

  /** The first change is that of the thing itself. */
  async function write({ changes, target }: Write, context: ChangeContext): Promise<Outcome> {
    const [first, ...rest] = changes;
    if (first === undefined) return null;
    const asked = context.ifVersion === null ? first : { ...first, ifVersion: context.ifVersion };
    const written: Thing[] | ThingConflict = await things.change([asked, ...rest], [auditEntry(target, context)]);
    state = await read();
    if ("conflict" in written) return null;
    return { version: written.find(({ kind, id }) => kind === first.kind && id === first.id)?.version ?? 0 };
  }

  async function put(change: ManagedChange, context: ChangeContext): Promise<Outcome> {
    return await write(await writeOf(change), context);
  }

  function writeOf(change: ManagedChange): Write | Promise<Write> {
    if (change.kind === "plugin") return pluginWrite(change.value, change.context.actor);
    const closed = change.kind === "project" ? codec.closeProject(change.value) : codec.closeDestination(change.value);
    return { changes: [closed.change], target: closed.target };
  }

  /** Keeps the value before the change as a revision. */
  async function pluginWrite(plugin: ManagedPlugin, actor: string): Promise<Write> {
    const id = String(plugin.id);
    const old = await things.get(KINDS.plugin, id);
    const revision: ThingChange[] = old === null ? [] : [{
      kind: `${KINDS.revision}/${id}`,
      id: String(old.version).padStart(10, "0"),
      value: JSON.stringify({ at: old.updatedAt, actor, value: old.value }),
    }];
    const revisions = await things.list(`${KINDS.revision}/${id}`);
    const gone = revisions.slice(0, Math.max(0, revisions.length + 1 - KEPT_REVISIONS))
      .map(({ kind, id }): ThingChange => ({ kind, id, value: null }));
    const { change, target } = codec.closePlugin(plugin);
    return { changes: [change, ...revision, ...gone], target };
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

  /** A destination that relies on an upstream that no longer exists must not keep the others from running. */
  function toDestination(entry: DestinationValue, project: ProjectConfig): DestinationConfig[] {
    try {
      return [toDestinationConfig(completeDestination(entry, project))];
    } catch (error) {
      onError(`Cannot use destination ${project.id}/${entry.id}: ${messageOf(error)}`);
      return [];
    }
  }

  function unreadableIn({ id, plugins, destinations }: ProjectConfig): Pick<ProjectConfig, "unreadable"> {
    const found = state.unreadable.get(id);
    if (found === undefined) return {};
    // What the file has under the same id takes its place.
    const left = {
      ...found,
      plugins: found.plugins.filter((id) => !plugins.some((plugin) => plugin.id === id)),
      destinations: found.destinations.filter((id) => !destinations.some((destination) => destination.id === id)),
    };
    return left.plugins.length + left.destinations.length === 0 ? {} : { unreadable: left };
  }

  /** Writes an uploaded archive to a file that the loader can read. */
  async function materialize(blob: string): Promise<string> {
    const path = join(folder, `${blob}.zip`);
    if (await Deno.stat(path).catch(() => null) !== null) return path;
    await Deno.mkdir(folder, { recursive: true });
    const bytes = await getBlob(blob);
    if (bytes !== null) {
      // The file appears complete or not at all; otherwise the next start could take half of it for the archive.
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
      // Opening sealed values takes time, so it is done only if something has changed.
      const found = await readStamp();
      if (found === stamp) return false;
      state = await read();
      stamp = found;
      return true;
    },
    async combine(file) {
      const taken = new Set(file.projects.flatMap(({ plugins }) => plugins.map(({ id }) => id)));
      const tokens = new Set(file.projects.map(({ token }) => token));
      const own = Array.from(state.projects.values(), ({ value }): ProjectConfig => ({
        id: value.id,
        name: value.name ?? `Project ${value.id}`,
        token: value.token,
        anonymizeIps: value.anonymizeIps,
        isolation: value.isolation,
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
          ...unreadableIn(project),
        })),
      };
    },
    nextId(kind) {
      const unreadable = [...state.unreadable.values()].flatMap(({ plugins }) => plugins);
      const taken = kind === "project" ? [...state.projects.keys()] : [...state.plugins.keys(), ...unreadable];
      return Math.max(FIRST_ID - 1, ...taken) + 1;
    },
    putProject: (value, context) => put({ kind: "project", value, context }, context),
    putPlugin: (value, context) => put({ kind: "plugin", value, context }, context),
    putDestination: (value, context) => put({ kind: "destination", value, context }, context),
    remove: (kind, id, context) => {
      const target = `${kind === "plugin" ? "plugin_config" : kind}s/${id}`;
      return write({ changes: [{ kind: KINDS[kind], id, value: null }], target }, context);
    },
    async putAll(all) {
      const writes = await Promise.all(all.map(writeOf));
      await things.change(
        writes.flatMap(({ changes }) => changes),
        writes.map(({ target }, index) => auditEntry(target, all[index]!.context)),
      );
      state = await read();
    },
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
        return { version: Number(thing.id), at, actor, plugin: codec.openPlugin({ id: String(id), value }) };
      });
    },
  };
}

interface Write {
  changes: ThingChange[];
  /** The name of the thing in the audit. */
  target: string;
}

function auditEntry(target: string, context: Omit<ChangeContext, "ifVersion">): NewAuditEntry {
  const text = (value: unknown) => value === null || value === undefined ? null : JSON.stringify(value);
  const { actor, action, before, after } = context;
  return { actor, action, target, before: text(before), after: text(after) };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
