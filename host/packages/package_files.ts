/**
 * Where packages lie, which versions are wanted, and which of them are there.
 * @module
 */

import { fileURLToPath } from "node:url";

const ROOT = new URL("../../", import.meta.url);

/** The project's own folder, or what stands in `root` for a test. */
export interface PackageFolder {
  /** Ends with a slash. */
  root: string;
  /** What deno.json imports: the name that code uses → `npm:…`. */
  imports: Readonly<Record<string, string>>;
}

/** A package as it is asked for. */
export interface WantedPackage {
  name: string;
  /** Exact. */
  version: string;
}

let own: PackageFolder | undefined;

/** The folder of this code. */
export function ownPackages(): PackageFolder {
  return own ??= openPackageFolder(fileURLToPath(ROOT));
}

export function openPackageFolder(root: string): PackageFolder {
  const { imports } = JSON.parse(Deno.readTextFileSync(`${root}deno.json`)) as { imports: Record<string, string> };
  return { root, imports };
}

/** Throws RangeError for a name that deno.json does not import from npm. */
export function wantedPackage({ imports }: PackageFolder, name: string): WantedPackage {
  const [, found, version] = /^npm:\/?((?:@[^/]+\/)?[^@/]+)@([^/]+)/.exec(imports[name] ?? "") ?? [];
  if (found !== undefined && version !== undefined) return { name: found, version };
  throw new RangeError(
    `Cannot find package ${name}: found ${imports[name]} in deno.json, expected npm:<name>@<version>`,
  );
}

/** Those that are not there in the version that deno.json names, or that an installation left half done. */
export function missingPackages(folder: PackageFolder, names: readonly string[]): string[] {
  const isHalfDone = exists(unfinishedMark(folder));
  return names.filter((name) => isHalfDone || !isInstalled(folder, wantedPackage(folder, name)));
}

/** There from the start of an installation to its end. */
export function unfinishedMark({ root }: PackageFolder): string {
  return `${root}node_modules/.hogpen_unfinished`;
}

function isInstalled({ root }: PackageFolder, { name, version }: WantedPackage): boolean {
  try {
    const text = Deno.readTextFileSync(`${root}node_modules/${name}/package.json`);
    if ((JSON.parse(text) as { version?: string }).version === version) return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory)) throw error;
    return false;
  }
  // Of a package in two versions only one has its link; deno finds the other by this folder.
  return exists(`${root}node_modules/.deno/${name.replace("/", "+")}@${version}/node_modules/${name}/package.json`);
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
