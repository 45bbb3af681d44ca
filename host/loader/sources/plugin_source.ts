/**
 * What every kind of source becomes, so that loading does not know the difference.
 * @module
 */

/** The files of a plugin, named by their path from its root with `/` between the parts. */
export interface PluginSource {
  /** What a person would call it: the folder's or archive's name. */
  label: string;
  /** Everything that could be loaded, at least plugin.json and code. */
  paths: ReadonlySet<string>;
  /** Text of one of the paths. */
  read(path: string): Promise<string>;
}

/** A source that cannot be read, in words for whoever configured it. */
export class SourceError extends Error {
  override name = "SourceError";
}

/** Files already in memory. */
export function memorySource(label: string, files: ReadonlyMap<string, string>): PluginSource {
  return {
    label,
    paths: new Set(files.keys()),
    read: (path) => Promise.resolve(files.get(path) ?? ""),
  };
}

const LOADABLE = /\.(?:js|mjs|cjs|jsx|ts|mts|cts|tsx|json)$/;
const LEFT_OUT = /(?:^|\/)(?:node_modules|\.[^/]+)\//;

/** True for a path that code could load, or that says what to load. Dependencies and dot folders are left out. */
export function isLoadable(path: string): boolean {
  return LOADABLE.test(path) && !LEFT_OUT.test(path);
}
