/**
 * Determines what a new configuration changes in what runs now. Only what is enabled runs, so disabling is removing.
 * @module
 */

import { isDeepStrictEqual } from "node:util";
import type { DestinationConfig, HogpenConfig, PluginConfig, ProjectConfig } from "./config.ts";

export interface Change<T> {
  before: T;
  after: T;
}

export interface Changes<T> {
  added: T[];
  removed: T[];
  changed: Change<T>[];
}

/** A destination with the project it belongs to. */
export interface ProjectDestination {
  teamId: number;
  destination: DestinationConfig;
}

export interface ConfigDiff {
  /** Changed: name, token, anonymizeIps or isolation. */
  projects: Changes<ProjectConfig>;
  /** Changed means anything that a running plugin was started with, so that it has to be restarted. */
  plugins: Changes<PluginConfig>;
  destinations: Changes<ProjectDestination>;
  /** Projects whose plugins run in another order or set than before. */
  reordered: number[];
}

/** Compares two configurations by ids. A plugin config that moved to another project counts as removed and added. */
export function diffConfig(before: HogpenConfig, after: HogpenConfig): ConfigDiff {
  const projects = (config: HogpenConfig) => new Map(config.projects.map((project) => [project.id, project]));
  return {
    projects: compare(
      projects(before),
      projects(after),
      (a, b) =>
        a.name === b.name && a.token === b.token && a.anonymizeIps === b.anonymizeIps && a.isolation === b.isolation,
    ),
    plugins: compare(
      enabledPlugins(before),
      enabledPlugins(after),
      (a, b) => isDeepStrictEqual(runsWith(a), runsWith(b)),
    ),
    destinations: compare(enabledDestinations(before), enabledDestinations(after), isDeepStrictEqual),
    reordered: [...projects(after).values()].filter((project) => {
      const old = projects(before).get(project.id);
      return !isDeepStrictEqual(chainOf(old), chainOf(project));
    }).map(({ id }) => id),
  };
}

/** The enabled plugin configs of a project, in the order in which events pass them. */
export function chainOf(project: ProjectConfig | undefined): number[] {
  const enabled = project?.plugins.filter((plugin) => plugin.enabled) ?? [];
  return enabled.toSorted((a, b) => a.order - b.order).map(({ id }) => id);
}

function enabledPlugins(config: HogpenConfig): Map<string, PluginConfig> {
  const plugins = config.projects.flatMap((project) => project.plugins).filter((plugin) => plugin.enabled);
  return new Map(plugins.map((plugin) => [`${plugin.teamId}/${plugin.id}`, plugin]));
}

function enabledDestinations(config: HogpenConfig): Map<string, ProjectDestination> {
  return new Map(
    config.projects.flatMap((project) =>
      project.destinations.filter((destination) => destination.enabled).map((destination) =>
        [`${project.id}/${destination.id}`, { teamId: project.id, destination }] as const
      )
    ),
  );
}

/** Without the order in the chain, which only concerns the router. */
function runsWith({ order: _, ...rest }: PluginConfig): Omit<PluginConfig, "order"> {
  return rest;
}

function compare<Key, T>(before: Map<Key, T>, after: Map<Key, T>, isSame: (a: T, b: T) => boolean): Changes<T> {
  const changes: Changes<T> = { added: [], removed: [], changed: [] };
  for (const [key, old] of before) {
    const now = after.get(key);
    if (now === undefined) changes.removed.push(old);
    else if (!isSame(old, now)) changes.changed.push({ before: old, after: now });
  }
  for (const [key, now] of after) if (!before.has(key)) changes.added.push(now);
  return changes;
}
