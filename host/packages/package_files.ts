/**
 * Where packages lie, which versions are wanted, and which of them are there.
 * @module
 */

import { fileURLToPath } from "node:url";

const ROOT = new URL("../../", import.meta.url);
/** A copy of the deno.lock that the packages there were got by. */
const NOTED_LOCK = "node_modules/.hogpen_deno.lock";
const UNFINISHED = "node_modules/.hogpen_unfinished";

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
  const unfinished = readUnfinished(folder);
  return names.filter((name) => unfinished.includes(name) || !isInstalled(folder, wantedPackage(folder, name)));
}

/** Every package of deno.json that is there. */
export function installedPackages(folder: PackageFolder): string[] {
  const names = Object.entries(folder.imports).filter(([, target]) => target.startsWith("npm:")).map(([name]) => name);
  const missing = missingPackages(folder, names);
  return names.filter((name) => !missing.includes(name));
}

/**
 * True when deno.lock has changed since packages were got. False where they came in another way, by `deno install`.
 */
export function isOutdated({ root }: PackageFolder): boolean {
  const noted = readText(`${root}${NOTED_LOCK}`);
  return noted !== null && noted !== readText(`${root}deno.lock`);
}

export function noteLock({ root }: PackageFolder, lockText: string): void {
  Deno.writeTextFileSync(`${root}${NOTED_LOCK}`, lockText);
}

/** Names whose installation began and did not end well: what lies there of them may be half of it. */
export function readUnfinished({ root }: PackageFolder): string[] {
  return JSON.parse(readText(`${root}${UNFINISHED}`) ?? "[]");
}

export function writeUnfinished({ root }: PackageFolder, names: readonly string[]): void {
  Deno.writeTextFileSync(`${root}${UNFINISHED}`, JSON.stringify(names));
}

function isInstalled({ root }: PackageFolder, { name, version }: WantedPackage): boolean {
  const text = readText(`${root}node_modules/${name}/package.json`);
  if (text === null) return false;
  if ((JSON.parse(text) as { version?: string }).version === version) return true;
  // Of a package in two versions only one has its link; deno finds the other by this folder.
  const folder = `${root}node_modules/.deno/${name.replace("/", "+")}@${version}/node_modules/${name}`;
  return readText(`${folder}/package.json`) !== null;
}

function readText(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return null;
    throw error;
  }
}
