/**
 * Which file an import of a test means: Node's rules, with the settings of Jest.
 * @module
 */

import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, resolve } from "node:path";
import { exports as packageExports, imports as packageImports } from "resolve.exports";
import type { JestConfig } from "./jest_config.ts";

export type ModuleLocation = { builtin: string } | { path: string };

export type ResolveOptions =
  & Pick<JestConfig, "rootDir" | "moduleNameMapper" | "moduleFileExtensions" | "moduleDirectories" | "modulePaths">
  & {
    /** `node_modules` to look in when the repository's own have no such package. */
    fallbacks: string[];
  };

interface PackageJson {
  main?: string;
  exports?: unknown;
  imports?: unknown;
}

/** Null when there is no such module. */
export function resolveModule(specifier: string, from: string, options: ResolveOptions): ModuleLocation | null {
  for (const [pattern, targets] of options.moduleNameMapper) {
    const match = pattern.exec(specifier);
    if (match === null) continue;
    for (const target of targets) {
      const mapped = target.replaceAll(/\$(\d+)/g, (_, index) => match[Number(index)] ?? "");
      const found = locate(mapped, from, options);
      if (found !== null) return found;
    }
    return null;
  }
  return locate(specifier, from, options);
}

function locate(specifier: string, from: string, options: ResolveOptions): ModuleLocation | null {
  const { moduleFileExtensions: extensions } = options;
  if (/^\.{0,2}(?:\/|$)/.test(specifier) || specifier.startsWith("file:")) {
    const path = specifier.startsWith("file:") ? new URL(specifier).pathname : resolve(dirname(from), specifier);
    return found(fileOrFolder(path, extensions));
  }
  if (specifier.startsWith("node:")) return { builtin: specifier.slice(5) };
  if (specifier.startsWith("#")) return found(ownImport(specifier, from, extensions));
  // npm's package of the same name is asked for with a slash behind it.
  if (isBuiltin(specifier) && !specifier.endsWith("/")) return { builtin: specifier };
  const name = specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
  const subpath = `.${specifier.slice(name.length).replace(/\/$/, "")}`;
  for (const folder of packageFolders(from, options)) {
    const path = inPackage(join(folder, name), subpath, extensions);
    if (path !== null) return found(path);
  }
  return null;
}

function found(path: string | null): ModuleLocation | null {
  return path === null ? null : { path: realpathSync(path) };
}

function* packageFolders(from: string, options: ResolveOptions): Generator<string> {
  for (let folder = dirname(from);; folder = dirname(folder)) {
    for (const name of options.moduleDirectories) if (!name.startsWith("/")) yield join(folder, name);
    if (folder === dirname(folder)) break;
  }
  yield* options.moduleDirectories.filter((name) => name.startsWith("/"));
  yield* options.modulePaths;
  yield* options.fallbacks;
}

function inPackage(folder: string, subpath: string, extensions: string[]): string | null {
  if (!existsSync(folder)) return subpath === "." ? asFile(folder, extensions) : null;
  const manifest = readManifest(folder);
  if (manifest?.exports !== undefined && manifest.exports !== null) {
    for (const conditions of [{ require: true }, {}]) {
      try {
        const [target] = packageExports(manifest as { name: string }, subpath, { ...conditions, unsafe: false }) ?? [];
        const path = target === undefined ? null : asFile(join(folder, target), extensions);
        if (path !== null) return path;
      } catch {
        // Not exported under this condition.
      }
    }
    // Jest before 28 knew nothing of `exports`; a file that is there is better than none.
  }
  return fileOrFolder(join(folder, subpath), extensions);
}

function ownImport(specifier: string, from: string, extensions: string[]): string | null {
  for (let folder = dirname(from); folder !== dirname(folder); folder = dirname(folder)) {
    const manifest = readManifest(folder);
    if (manifest?.imports === undefined) continue;
    try {
      const [target] = packageImports(manifest as { name: string }, specifier, { require: true }) ?? [];
      return target === undefined ? null : asFile(join(folder, target), extensions);
    } catch {
      return null;
    }
  }
  return null;
}

function fileOrFolder(path: string, extensions: string[]): string | null {
  const file = asFile(path, extensions);
  if (file !== null || !isFolder(path)) return file;
  const main = readManifest(path)?.main;
  if (typeof main === "string" && main !== "") {
    const target = join(path, main);
    const named = asFile(target, extensions) ?? asFile(join(target, "index"), extensions);
    if (named !== null) return named;
  }
  return asFile(join(path, "index"), extensions);
}

function asFile(path: string, extensions: string[]): string | null {
  for (const candidate of [path, ...extensions.map((extension) => `${path}.${extension}`)]) {
    if (statSync(candidate, { throwIfNoEntry: false })?.isFile()) return candidate;
  }
  // TypeScript sources are imported by the name that their output would have.
  const source = path.replace(/\.([cm]?)js$/, ".$1ts");
  return source !== path && statSync(source, { throwIfNoEntry: false })?.isFile() ? source : null;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

const manifests = new Map<string, PackageJson | null>();

function readManifest(folder: string): PackageJson | null {
  const path = join(folder, "package.json");
  let manifest = manifests.get(path);
  if (manifest === undefined) {
    manifest = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) as PackageJson : null;
    manifests.set(path, manifest);
  }
  return manifest;
}
