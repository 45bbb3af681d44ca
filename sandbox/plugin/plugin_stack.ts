/**
 * Where a plugin's files stand in stacks: the name each has for the engine, and back to the file, line and column of
 * its code.
 * @module
 */

import { EngineError } from "../walls/capture.ts";
import type { PluginSpec } from "../../runtime/protocol.ts";

interface PluginFile {
  path: string;
  plugin: number;
  /** Columns that the sandbox put before the first line. */
  shift: number;
}

const files = new Map<string, PluginFile>();
/** By the engine's word; what an error says of itself anybody can write. */
const makers = new WeakMap<object, number>();

/** The name of a plugin's file for the engine: distinct among the plugins of a shared cell. */
export function sourceUrl(spec: PluginSpec, path: string): string {
  return `plugin-${spec.pluginConfigId}/${path.replaceAll(/[\s():]/g, "_")}`;
}

/** The plugin whose code made the error, once its stack has been read; undefined when the error never had one. */
export function makerOf(error: unknown): number | undefined {
  return typeof error === "object" && error !== null ? makers.get(error) : undefined;
}

/** Frames of this file belong to a plugin. */
export function knowPluginFile(url: string, path: string, plugin: number, shift: number): void {
  files.set(url, { path, plugin, shift });
}

/** What V8 gives a formatter of stacks. */
interface CallSite {
  getScriptNameOrSourceURL(): string | null;
  getFunctionName(): string | null;
  getLineNumber(): number | null;
  getColumnNumber(): number | null;
}

/**
 * From now on stacks have the frames of plugins' files alone: how the sandbox is made and where it is installed is
 * nobody's business.
 */
export function formatStacks(): void {
  const engineError = EngineError as unknown as { prepareStackTrace: (error: object, sites: CallSite[]) => string };
  engineError.prepareStackTrace = (error, sites) => {
    const lines = [headline(error)];
    for (const site of sites) {
      const url = site.getScriptNameOrSourceURL() ?? "";
      const file = files.get(url);
      if (file === undefined) continue;
      if (lines.length === 1) makers.set(error, file.plugin);
      const line = site.getLineNumber() ?? 1;
      const column = (site.getColumnNumber() ?? 1) - (line === 1 ? file.shift : 0);
      const name = site.getFunctionName();
      const place = `${url}:${line}:${Math.max(1, column)}`;
      lines.push(name ? `    at ${name} (${place})` : `    at ${place}`);
    }
    return lines.join("\n");
  };
}

function headline(error: unknown): string {
  try {
    return String(error);
  } catch {
    return "Error";
  }
}

/** The lines of a stack that stand in plugins' files, as `    at name (/path:line:column)`. */
export function pluginFrames(stack: string): string {
  const frames: string[] = [];
  for (const text of stack.split("\n", 100)) {
    const match = /^\s*at (?:(.{0,300}) \()?(plugin-\d+\/[^\s():]+):(\d+:\d+)\)?$/.exec(text.slice(0, 1000));
    const file = match === null ? undefined : files.get(match[2]!);
    if (match === null || file === undefined) continue;
    const place = `/${file.path}:${match[3]}`;
    frames.push(match[1] === undefined ? `    at ${place}` : `    at ${match[1]} (${place})`);
  }
  return frames.join("\n");
}
