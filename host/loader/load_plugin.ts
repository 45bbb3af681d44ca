/**
 * Prepares a plugin for a sandbox: reads plugin.json, finds the entry, and compiles it with every file that it reaches.
 * @module
 */

import { BROWSER_ENTRIES, isBuildOutput } from "./entries.ts";
import { createHash } from "node:crypto";
import { downloadFolder } from "./sources/download_folder.ts";
import { emptyManifest, ManifestError, parseManifest } from "./manifest/manifest.ts";
import { type LoadedPlugin, type Manifest, PluginLoadError } from "./plugin.ts";
import { openSource, type SourceSpec } from "./sources/open_source.ts";
import type { PluginSource } from "./sources/plugin_source.ts";
import type { RemoteHosts } from "./sources/resolve_plugin_url.ts";
import { stackMapper } from "./compile/stack_map.ts";
import { type TransformedFile, TransformError, transformFile, type TransformJob } from "./compile/transform.ts";

export interface LoadOptions {
  /** How messages refer to the plugin; derived from its name when absent. */
  digest?: string;
  /** Compiles a file; the default compiles in this thread, without a cache. */
  transform?: (job: TransformJob) => Promise<TransformedFile>;
  /** The hosts of GitHub, GitLab and npm, and the tokens for them. */
  hosts?: Partial<RemoteHosts>;
  /** Folder for downloaded archives. When absent, every load downloads. */
  downloadFolder?: string;
  /** Called when an earlier download is used because a host is unavailable. */
  onFallback?: (message: string) => void;
}

/** Loads a plugin from any source. Rejects with PluginLoadError. */
export async function loadPlugin(spec: SourceSpec, options: LoadOptions = {}): Promise<LoadedPlugin> {
  try {
    const { hosts, onFallback, downloadFolder: folder = null } = options;
    return await loadSource(await openSource(spec, { hosts, onFallback, downloads: downloadFolder(folder) }), options);
  } catch (error) {
    if (error instanceof PluginLoadError) throw error;
    throw loadError("Error", (error as Error).message, error);
  }
}

async function loadSource(source: PluginSource, options: LoadOptions): Promise<LoadedPlugin> {
  const digest = options.digest ?? `plugin ${source.label}`;
  const manifest = await readManifest(source, digest);
  const main = await findMain(source, manifest, digest);
  const transform = options.transform ?? transformFile;
  const paths = [...source.paths].sort();

  const files: Record<string, string> = {};
  const packages = new Set<string>();
  const maps = new Map<string, string>();
  const hash = createHash("sha256").update(JSON.stringify(manifest));
  const queue = [main];
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    if (Object.hasOwn(files, path)) continue;
    const text = (await source.read(path)).replace(/^\uFEFF/, "");
    hash.update(JSON.stringify([path, text]));
    if (path.endsWith(".json")) {
      files[path] = checkJson(path, text);
      continue;
    }
    try {
      const compiled = await transform({ path, code: text, paths });
      files[path] = compiled.code;
      maps.set(path, compiled.map);
      queue.push(...compiled.imports);
      for (const name of compiled.packages) packages.add(name);
    } catch (error) {
      if (!(error instanceof TransformError)) throw error;
      const place = error.line === null ? "" : `\n    at /${path}:${error.line}:${(error.column ?? 0) + 1}`;
      throw loadError("SyntaxError", error.message, error, `SyntaxError: ${error.message}${place}`);
    }
  }
  return {
    manifest,
    main,
    files,
    packages: [...packages],
    readsMarks: Object.values(files).some((text) => /\$plugins_(?:succeeded|failed)/.test(text)),
    revision: hash.digest("hex"),
    mapStack: stackMapper(maps),
  };
}

/** Reads the manifest without looking at the code. Rejects with PluginLoadError. */
export async function readManifest(source: PluginSource, digest = `plugin ${source.label}`): Promise<Manifest> {
  if (!source.paths.has("plugin.json")) return emptyManifest(source.label);
  try {
    return parseManifest(await source.read("plugin.json"), source.label);
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    throw loadError("Error", `Could not load "plugin.json" for ${digest}: ${error.message}`, error);
  }
}

async function findMain(source: PluginSource, manifest: Manifest, digest: string): Promise<string> {
  const wanted = manifest.main?.replace(/^(?:\.?\/)+/, "");
  const main = wanted === undefined
    ? ["index.js", "index.ts"].find((name) => source.paths.has(name))
    : source.paths.has(wanted)
    ? wanted
    : undefined;
  if (main !== undefined && (await source.read(main)).trim() !== "") return main;
  const tried = manifest.main ?? "index.ts, index.js";
  throw loadError("Error", `Could not load source code for ${digest}. Tried: ${tried}${explain(source, wanted)}`);
}

/** Hints at what the author may have overlooked. */
function explain(source: PluginSource, main: string | undefined): string {
  const inBrowsers = BROWSER_ENTRIES.find((name) => source.paths.has(name));
  if (inBrowsers !== undefined) {
    return `. ${inBrowsers} runs in the browsers of visitors, and nothing of it on a server`;
  }
  return isBuildOutput(main) && source.paths.has("package.json")
    ? ". It is not built: run the plugin's own build, or `hogpen bundle --entry <source>`"
    : "";
}

function checkJson(path: string, text: string): string {
  try {
    JSON.parse(text);
    return text;
  } catch (error) {
    throw loadError("SyntaxError", `/${path}: ${(error as Error).message}`, error);
  }
}

function loadError(name: string, message: string, cause?: unknown, stack?: string): PluginLoadError {
  return new PluginLoadError({ name, message, ...(stack === undefined ? {} : { stack }), retry: false }, { cause });
}
