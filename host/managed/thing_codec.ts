/**
 * Converts projects, plugin configs and destinations to and from what the store keeps. What may contain secrets is
 * encrypted, and bound to the place where it is stored.
 * @module
 */

import type { Thing, ThingChange } from "../store/things.ts";
import {
  type AttachmentValue,
  type DestinationValue,
  destinationValue,
  KINDS,
  pluginEntry,
  type PluginValue,
  type ProjectValue,
  storedDestination,
  type StoredPlugin,
  storedPlugin,
} from "./managed_values.ts";
import type { Seal } from "./seal.ts";

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

/** A thing to be stored, and its name in the audit. */
export interface Closed {
  change: ThingChange;
  target: string;
}

export interface ThingCodec {
  closeProject(project: ProjectValue): Closed;
  closePlugin(plugin: ManagedPlugin): Closed;
  closeDestination(destination: ManagedDestination): Closed;
  /** Throws if the thing was encrypted with an unknown key. */
  openPlugin(thing: Pick<Thing, "id" | "value">): ManagedPlugin;
  openDestination(thing: Pick<Thing, "id" | "value">): ManagedDestination;
}

export function createThingCodec(seal: Seal): ThingCodec {
  return {
    closeProject: (project) => ({
      change: { kind: KINDS.project, id: String(project.id), value: JSON.stringify(project) },
      target: `projects/${project.id}`,
    }),
    closePlugin({ id, teamId, archive, attachments, entry }) {
      const sealed = seal.close(JSON.stringify(entry), `${KINDS.plugin}/${id}`);
      const value = JSON.stringify({ teamId, archive, attachments, sealed } satisfies StoredPlugin);
      return { change: { kind: KINDS.plugin, id: String(id), value }, target: `plugin_configs/${id}` };
    },
    closeDestination({ teamId, entry }) {
      const id = `${teamId}/${entry.id}`;
      const sealed = seal.close(JSON.stringify(entry), `${KINDS.destination}/${id}`);
      return {
        change: { kind: KINDS.destination, id, value: JSON.stringify({ teamId, sealed }) },
        target: `destinations/${id}`,
      };
    },
    openPlugin({ id, value }) {
      const { sealed, ...stored } = storedPlugin.parse(JSON.parse(value));
      const entry = pluginEntry.parse(JSON.parse(seal.open(sealed, `${KINDS.plugin}/${id}`)));
      return { ...stored, id: Number(id), entry };
    },
    openDestination({ id, value }) {
      const { teamId, sealed } = storedDestination.parse(JSON.parse(value));
      return { teamId, entry: destinationValue.parse(JSON.parse(seal.open(sealed, `${KINDS.destination}/${id}`))) };
    },
  };
}
