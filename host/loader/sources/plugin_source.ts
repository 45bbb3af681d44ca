/**
 * The common form of all kinds of sources, so that loading does not need to distinguish them.
 * @module
 */

/** The files of a plugin by their path from its root, with `/` between the parts. */
export interface PluginSource {
  /** The name that a person would use: that of the folder or archive. */
  label: string;
  /** All loadable files, at least plugin.json and code. */
  paths: ReadonlySet<string>;
  /** The text of one of the paths. */
  read(path: string): Promise<string>;
}

/** A source that cannot be read, explained for whoever configured it. */
export class SourceError extends Error {
  override name = "SourceError";
}

/** A source whose files are already in memory. */
export function memorySource(label: string, files: ReadonlyMap<string, string>): PluginSource {
  return {
    label,
    paths: new Set(files.keys()),
    read: (path) => Promise.resolve(files.get(path) ?? ""),
  };
}

const LOADABLE = /\.(?:js|mjs|cjs|jsx|ts|mts|cts|tsx|json)$/;
const LEFT_OUT = /(?:^|\/)(?:node_modules|\.[^/]+)\//;

/** Whether code could load the path, or it says what to load. Dependencies and dot folders are excluded. */
export function isLoadable(path: string): boolean {
  return LOADABLE.test(path) && !LEFT_OUT.test(path);
}
