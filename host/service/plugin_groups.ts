/**
 * Decides which plugin configs run in one cell, and whether a running cell is still the right one. A process has one
 * set of addresses that it may reach, so plugin configs that name the same cell share it only if their `egress` is the
 * same. In a project with `isolation: "shared"`, neighbours in the chain share a cell without naming one, if they also
 * have the same limits.
 * @module
 */

import { createHash } from "node:crypto";
import type { HogpenConfig, PluginConfig, ProjectConfig } from "../config/config.ts";

export interface PluginGroup {
  /**
   * Stays the same when the configuration changes. Made of the project, the cell's name and its egress, or of the
   * plugin configs.
   */
  key: string;
  /** True if the service put them together, not the operator. This lasts until one of them misbehaves. */
  together: boolean;
  /** Changes whenever anything changes that the cell was created from. */
  signature: string;
  /** The enabled plugin configs in the order of the chain. */
  configs: PluginConfig[];
}

/**
 * The groups of every project, in the order of their first members. `fits` says whether a plugin config of a project
 * with `isolation: "shared"` may run beside its neighbours.
 */
export function groupPlugins(
  config: HogpenConfig,
  fits: (config: PluginConfig) => boolean = () => false,
): PluginGroup[] {
  return config.projects.flatMap((project) => {
    const chain = chainOf(project);
    const shared = project.isolation === "shared" ? neighbours(chain, fits) : new Map<number, string>();
    const members = Map.groupBy(chain, (each) => shared.get(each.id) ?? groupKey(each));
    return Array.from(members, ([key, configs]) => {
      const together = configs.some(({ id }) => shared.has(id));
      return { key, together, configs, signature: signatureOf(configs) };
    });
  });
}

/** The key of the group, by the id of each plugin config that shares a cell with a neighbour. */
function neighbours(chain: PluginConfig[], fits: (config: PluginConfig) => boolean): Map<number, string> {
  const runs: PluginConfig[][] = [];
  let last: string | null = null;
  for (const config of chain) {
    const bounds = config.cell === null && fits(config) ? boundsOf(config) : null;
    if (bounds !== null && bounds === last) runs.at(-1)?.push(config);
    else runs.push([config]);
    last = bounds;
  }
  return new Map(
    runs.filter((run) => run.length > 1).flatMap((run) => {
      const key = `${run[0]?.teamId}#${run.map(({ id }) => id).join("+")}`;
      return run.map(({ id }) => [id, key] as const);
    }),
  );
}

/** The limits that apply to a process as a whole. */
function boundsOf({ timeoutSeconds, memoryMb, egress }: PluginConfig): string {
  return JSON.stringify([timeoutSeconds, memoryMb, reachOf(egress)]);
}

function reachOf({ allow }: PluginConfig["egress"]): string[] {
  return [...new Set(allow)].sort();
}

/** The enabled plugin configs in the order in which events pass them. */
export function chainOf(project: ProjectConfig): PluginConfig[] {
  return project.plugins.filter(({ enabled }) => enabled).sort((a, b) => a.order - b.order);
}

export function groupKey({ teamId, id, cell, egress }: PluginConfig): string {
  return cell === null ? `${teamId}#${id}` : `${teamId}/${JSON.stringify([cell, reachOf(egress)])}`;
}

function signatureOf(configs: PluginConfig[]): string {
  const hash = createHash("sha256");
  // The order of cells in a chain is up to the router. The order within a cell is that of the configs here.
  for (const { attachments, order: _, ...rest } of configs) {
    hash.update(JSON.stringify(rest));
    for (const [key, { contents, ...about }] of Object.entries(attachments)) {
      hash.update(JSON.stringify([key, about])).update(contents);
    }
  }
  return hash.digest("hex");
}
