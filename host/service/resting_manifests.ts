/**
 * The manifests of plugin configs that are switched off: their plugins are not loaded, but have a name, a description and a form
 * all the same.
 * @module
 */

import type { HogpenConfig, PluginConfig } from "../config/config.ts";
import { readManifest } from "../loader/load_plugin.ts";
import type { Manifest } from "../loader/plugin.ts";
import type { PluginSource } from "../loader/sources/plugin_source.ts";

export interface RestingManifests {
  /** Null when it could not be read, or not yet. */
  get(pluginConfigId: number): Manifest | null;
  /** Reads those that are new or have another source, and forgets those that are switched on or gone. */
  update(config: HogpenConfig): Promise<void>;
}

export function createRestingManifests(open: (config: PluginConfig) => Promise<PluginSource>): RestingManifests {
  const kept = new Map<number, { source: string; manifest: Manifest | null }>();
  return {
    get: (id) => kept.get(id)?.manifest ?? null,
    async update(config) {
      const resting = config.projects.flatMap(({ plugins }) => plugins).filter(({ enabled }) => !enabled);
      const ids = new Set(resting.map(({ id }) => id));
      for (const id of kept.keys()) if (!ids.has(id)) kept.delete(id);
      await Promise.all(resting.map(async (each) => {
        const source = JSON.stringify(each.source);
        const known = kept.get(each.id);
        if (known?.source === source && known.manifest !== null) return;
        // Whoever switches it on is told what is wrong with it.
        const manifest = await open(each).then((opened) => readManifest(opened)).catch(() => null);
        kept.set(each.id, { source, manifest });
      }));
    },
  };
}
