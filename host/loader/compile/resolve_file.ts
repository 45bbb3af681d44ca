/**
 * Which of a plugin's own files a relative import means.
 * @module
 */

const TYPESCRIPT = [".ts", ".tsx", ".mts", ".cts"];
const JAVASCRIPT = [".js", ".jsx", ".mjs", ".cjs"];

/** TypeScript sources are imported by the name that their output would have. */
const OUTPUT_NAMES: [RegExp, string][] = [[/\.js$/, ".ts"], [/\.jsx?$/, ".tsx"], [/\.mjs$/, ".mts"], [
  /\.cjs$/,
  ".cts",
]];

/** True for specifiers that mean one of the plugin's own files. */
export function isOwnFile(specifier: string): boolean {
  return /^(?:\.{1,2}(?:\/|$)|\/)/.test(specifier);
}

/**
 * The path that `specifier`, written in the file `from`, stands for; null when the plugin has no such file. A specifier
 * that starts with `/` counts from the plugin's root.
 */
export function resolveFile(specifier: string, from: string, paths: ReadonlySet<string>): string | null {
  const parts = specifier.startsWith("/") ? [] : from.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) return null;
  }
  const path = parts.join("/");
  // A folder with sources and their output beside each other: a file means those of its own kind first.
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
