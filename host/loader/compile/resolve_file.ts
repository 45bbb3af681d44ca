/**
 * Finds the plugin's own file that a relative import means.
 * @module
 */

const TYPESCRIPT = [".ts", ".tsx", ".mts", ".cts"];
const JAVASCRIPT = [".js", ".jsx", ".mjs", ".cjs"];

/** TypeScript imports sources by the name of their output. */
const OUTPUT_NAMES: [RegExp, string][] = [[/\.js$/, ".ts"], [/\.jsx?$/, ".tsx"], [/\.mjs$/, ".mts"], [
  /\.cjs$/,
  ".cts",
]];

/** Whether a specifier means one of the plugin's own files. */
export function isOwnFile(specifier: string): boolean {
  return /^(?:\.{1,2}(?:\/|$)|\/)/.test(specifier);
}

/**
 * The path of the file that `specifier` means in the file `from`; null when the plugin has no such file. A specifier
 * that starts with `/` is relative to the plugin's root.
 */
export function resolveFile(specifier: string, from: string, paths: ReadonlySet<string>): string | null {
  const parts = specifier.startsWith("/") ? [] : from.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) return null;
  }
  const path = parts.join("/");
  // In a folder with sources and their output side by side, a file prefers files of its own kind.
  const [first, second] = /\.[cm]?jsx?$/.test(from) ? [JAVASCRIPT, TYPESCRIPT] : [TYPESCRIPT, JAVASCRIPT];
  const extensions = [...first, ...second, ".json"];
  const isFolder = /(?:^|\/)\.{0,2}$/.test(specifier);
  if (path !== "" && !isFolder) {
    for (const extension of ["", ...extensions]) if (paths.has(path + extension)) return path + extension;
    for (const [output, source] of OUTPUT_NAMES) {
      const candidate = path.replace(output, source);
      if (candidate !== path && paths.has(candidate)) return candidate;
    }
  }
  const prefix = path === "" ? "index" : `${path}/index`;
  return extensions.map((extension) => prefix + extension).find((candidate) => paths.has(candidate)) ?? null;
}
