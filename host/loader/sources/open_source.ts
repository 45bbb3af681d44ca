/**
 * Opens a plugin's source: a folder, an archive, a URL, or text. Each kind has a file of its own.
 * @module
 */

import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { memorySource, type PluginSource, SourceError } from "./plugin_source.ts";
import { archiveSource } from "./source_archive.ts";
import { folderSource } from "./source_folder.ts";
import { type UrlOptions, urlSource } from "./source_url.ts";

/** What `PluginConfig.source` may hold. */
export type SourceSpec = string | { inline: string; name?: string };

/** Opens a plugin's source. Only a URL touches the network. */
export async function openSource(spec: SourceSpec, options: UrlOptions = {}): Promise<PluginSource> {
  if (typeof spec !== "string") return inlineSource(spec.inline, spec.name);
  if (/^https?:\/\//i.test(spec)) return await urlSource(spec, options);
  const path = spec.replace(/^file:(\/\/(?=\/))?/, "");
  const info = await stat(path).catch((cause) => {
    throw new SourceError(`Cannot read plugin ${spec}: no such file or folder`, { cause });
  });
  if (info.isDirectory()) return await folderSource(path);
  return await archiveSource(basename(path), await Deno.readFile(path));
}

/** A plugin typed into the configuration: one file, TypeScript or JavaScript. */
export function inlineSource(code: string, name = "inline plugin"): PluginSource {
  return memorySource(name, new Map([["index.ts", code]]));
}
