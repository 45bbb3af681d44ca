/**
 * Which plugin configs run in one cell, and how to tell whether a cell of the running configuration is still the one wanted. A process
 * has one set of addresses that it may reach, so those that name the same cell share it only if their `egress` is the same.
 * @module
 */

import { createHash } from "node:crypto";
import type { HogpenConfig, PluginConfig, ProjectConfig } from "../config/config.ts";

export interface PluginGroup {
  /** Stable over changes of the configuration: the project, the cell's name and what it may reach, or the plugin config. */
  key: string;
  /** Differs when anything differs that its cell was made from. */
  signature: string;
  /** Enabled plugin configs in the order of the chain. */
  configs: PluginConfig[];
}

/** The groups of every project, in the order of their first members. */
export function groupPlugins(config: HogpenConfig): PluginGroup[] {
  return config.projects.flatMap((project) => {
    const members = Map.groupBy(chainOf(project), groupKey);
    return Array.from(members, ([key, configs]) => ({ key, configs, signature: signatureOf(configs) }));
  });
}

/** Enabled plugin configs in the order in which events pass them. */
export function chainOf(project: ProjectConfig): PluginConfig[] {
  return project.plugins.filter(({ enabled }) => enabled).sort((a, b) => a.order - b.order);
}

export function groupKey({ teamId, id, cell, egress }: PluginConfig): string {
  return cell === null ? `${teamId}#${id}` : `${teamId}/${JSON.stringify([cell, [...new Set(egress.allow)].sort()])}`;
}

function signatureOf(configs: PluginConfig[]): string {
  const hash = createHash("sha256");
  // The order of cells in a chain is the router's matter; within a cell it shows in the order of the configs.
  for (const { attachments, order: _, ...rest } of configs) {
    hash.update(JSON.stringify(rest));
    for (const [key, { contents, ...about }] of Object.entries(attachments)) {
      hash.update(JSON.stringify([key, about])).update(contents);
    }
  }
  return hash.digest("hex");
}
