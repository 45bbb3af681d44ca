/**
 * Whose a loaded package is. Each plugin has modules of its own, JSON files included, also those that a package loads only when one of
 * its functions is called: what a plugin changes in a package is nothing to the others of its cell.
 * @module
 */

import Module from "node:module";
import { require } from "./capture.ts";

/** A plugin, to its packages. */
export interface PackageOwner {
  /** Loaded modules by path. */
  modules: Record<string, { exports: unknown }>;
  /** What its packages take for the global object, and their `process`. */
  globals: object | undefined;
}

interface Loader {
  _cache: PackageOwner["modules"];
  _load(request: string, parent: object | null | undefined, isMain: boolean): unknown;
}

const loader = Module as unknown as Loader;
const owners = new WeakMap<object, PackageOwner>();
let current: PackageOwner = { modules: loader._cache, globals: undefined };

export function newPackageOwner(): PackageOwner {
  return { modules: Object.create(null) as PackageOwner["modules"], globals: undefined };
}

/** Whose module is being loaded. */
export function currentOwner(): PackageOwner {
  return current;
}

/** Says that the module belongs to whom it is loaded for now. */
export function ownModule(module: object): void {
  owners.set(module, current);
}

/** Loads a package for its owner, and what it asks for. */
export function requireFor(owner: PackageOwner, name: string): unknown {
  return loadAs(owner, () => require(name));
}

/** From now on what a module asks for is loaded for the module's owner. */
export function separateOwners(): void {
  const load = loader._load;
  loader._load = function (request, parent, isMain) {
    const owner = parent ? owners.get(parent) : undefined;
    if (owner === undefined || owner === current) return Reflect.apply(load, this, [request, parent, isMain]);
    return loadAs(owner, () => Reflect.apply(load, this, [request, parent, isMain]));
  };
}

function loadAs<T>(owner: PackageOwner, load: () => T): T {
  const before = current;
  become(owner);
  try {
    return load();
  } finally {
    become(before);
  }
}

function become(owner: PackageOwner): void {
  current = owner;
  loader._cache = owner.modules;
}
