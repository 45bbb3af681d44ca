/**
 * The part of deno.lock that some packages need, so that exactly the locked versions are installed and nothing else is.
 * @module
 */

import type { WantedPackage } from "./package_files.ts";

interface LockedPackage {
  integrity?: string;
  /** Of the machines that it is for; absent: all. */
  os?: string[];
  cpu?: string[];
  dependencies?: string[];
  optionalDependencies?: string[];
  optionalPeers?: string[];
}

/** deno.lock, as far as it is read here. */
export interface Lock {
  version: string;
  specifiers: Record<string, string>;
  npm: Record<string, LockedPackage>;
  workspace?: { dependencies?: string[] };
}

/** The packages with all that they depend on, and their checksums. Throws RangeError for what is not locked. */
export function cutLock(lock: Lock, wanted: readonly WantedPackage[]): Lock {
  const byName = Map.groupBy(Object.keys(lock.npm), nameOf);
  const specifiers: Record<string, string> = {};
  const keep = new Set<string>();
  const queue: string[] = [];
  for (const { name, version } of wanted) {
    const specifier = `npm:${name}@${version}`;
    const resolved = lock.specifiers[specifier];
    if (resolved === undefined) throw new RangeError(`Cannot find ${specifier} in deno.lock; run deno install`);
    specifiers[specifier] = resolved;
    queue.push(`${name}@${resolved}`);
  }
  for (let key = queue.pop(); key !== undefined; key = queue.pop()) {
    if (keep.has(key)) continue;
    const locked = lock.npm[key];
    if (locked === undefined) throw new RangeError(`Cannot find ${key} in deno.lock; run deno install`);
    keep.add(key);
    const { dependencies = [], optionalDependencies = [], optionalPeers = [] } = locked;
    queue.push(...dependencies.map((dependency) => keyOf(dependency) ?? dependency));
    // Those that are not locked were not chosen.
    for (const dependency of [...optionalDependencies, ...optionalPeers]) queue.push(keyOf(dependency) ?? key);
  }

  /**
   * A dependency stands with its version only where several are locked, and under an alias as `alias@npm:name@version`.
   */
  function keyOf(dependency: string): string | undefined {
    const target = dependency.replace(/^.+@npm:/, "");
    if (lock.npm[target] !== undefined) return target;
    const keys = byName.get(nameOf(target)) ?? [];
    return keys.length === 1 ? keys[0] : keys.find((key) => key.startsWith(`${target}_`));
  }

  // Deno takes a frozen lock only as it would write it: sorted, and with a version only where a name has several.
  const kept = Map.groupBy(keep, nameOf);
  const shorten = (dependency: string): string => {
    const key = keyOf(dependency);
    return key !== undefined && !dependency.includes("@npm:") && kept.get(nameOf(key))?.length === 1
      ? nameOf(dependency)
      : dependency;
  };
  const npm: Record<string, LockedPackage> = {};
  for (const key of Object.keys(lock.npm).filter((key) => keep.has(key))) {
    const locked = { ...lock.npm[key] };
    for (const kind of ["dependencies", "optionalDependencies", "optionalPeers"] as const) {
      if (locked[kind] !== undefined) locked[kind] = locked[kind].map(shorten);
    }
    npm[key] = locked;
  }
  const dependencies = Object.keys(specifiers).sort();
  return {
    version: lock.version,
    specifiers: Object.fromEntries(dependencies.map((specifier) => [specifier, specifiers[specifier] as string])),
    npm,
    workspace: { dependencies },
  };
}

/** `@scope/name` of `@scope/name@1.2.3_peer@4.5.6`. */
export function nameOf(key: string): string {
  const at = key.indexOf("@", 1);
  return at === -1 ? key : key.slice(0, at);
}
