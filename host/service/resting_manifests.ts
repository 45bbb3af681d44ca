/**
 * The manifests of plugin configs that are switched off, or that run on other hosts alone. Their plugins are not
 * loaded, but the page still shows their name, description and form.
 * @module
 */

import type { HogpenConfig, PluginConfig } from "../config/config.ts";
import { readManifest } from "../loader/load_plugin.ts";
import type { Manifest } from "../loader/plugin.ts";
import type { PluginSource } from "../loader/sources/plugin_source.ts";

export interface RestingManifests {
  /** Null if it could not be read, or has not been read yet. */
  get(pluginConfigId: number): Manifest | null;
  /**
   * Reads the manifests of plugin configs that were switched off or have a new source, and forgets those of plugin
   * configs that were switched on or removed.
   */
  update(config: HogpenConfig): Promise<void>;
}

/** `runs` says whether this host runs plugins at all. */
export function createRestingManifests(
  open: (config: PluginConfig) => Promise<PluginSource>,
  runs = true,
): RestingManifests {
  const kept = new Map<number, { source: string; manifest: Manifest | null }>();
  return {
    get: (id) => kept.get(id)?.manifest ?? null,
    async update(config) {
      const resting = config.projects.flatMap(({ plugins }) => plugins).filter(({ enabled }) => !enabled || !runs);
      const ids = new Set(resting.map(({ id }) => id));
      for (const id of kept.keys()) if (!ids.has(id)) kept.delete(id);
      await Promise.all(resting.map(async (each) => {
        const source = JSON.stringify(each.source);
        const known = kept.get(each.id);
        if (known?.source === source && known.manifest !== null) return;
        // An error is ignored here; it is reported when the plugin config is switched on.
        const manifest = await open(each).then((opened) => readManifest(opened)).catch(() => null);
        kept.set(each.id, { source, manifest });
      }));
    },
  };
}
