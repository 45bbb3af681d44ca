/**
 * Which plugin a loaded package belongs to. Each plugin has its own module instances, JSON files included, even those
 * that a package loads only when one of its functions is called. What a plugin changes in a package therefore does
 * not affect the other plugins of its cell.
 * @module
 */

import Module, { isBuiltin } from "node:module";
import { require } from "../capture.ts";
import { freezeShared } from "../freeze_shared.ts";
import { hasNeighbours } from "./neighbours.ts";
import { viewBuiltIn } from "./own_built_ins.ts";

/** A plugin, as its packages know it. */
export interface PackageOwner {
  /** Loaded modules by path. */
  modules: Record<string, { exports: unknown }>;
  /** What its packages take for the global object, and their `process`. */
  globals: object | undefined;
  /** Its packages' views of Node's own modules, by name; only in a cell with several plugins. */
  builtIns: Map<string, unknown>;
}

interface Loader {
  _cache: PackageOwner["modules"];
  _load(request: string, parent: object | null | undefined, isMain: boolean): unknown;
}

const loader = Module as unknown as Loader;
const owners = new WeakMap<object, PackageOwner>();
let current: PackageOwner = { modules: loader._cache, globals: undefined, builtIns: new Map() };

export function newPackageOwner(): PackageOwner {
  return { modules: Object.create(null) as PackageOwner["modules"], globals: undefined, builtIns: new Map() };
}

/** Whose module is being loaded. */
export function currentOwner(): PackageOwner {
  return current;
}

/** Records that the module belongs to the owner for whom modules are being loaded. */
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
    const now = () => Reflect.apply(load, this, [request, parent, isMain]);
    if (owner === undefined) return now();
    if (hasNeighbours() && isBuiltin(request)) return viewBuiltIn(request, owner.builtIns, now);
    const loaded = owner === current ? now() : loadAs(owner, now);
    // The engine has one of each for everybody in the Worker.
    if (hasNeighbours() && isEsModule(loaded)) freezeShared(loaded);
    return loaded;
  };
}

function isEsModule(value: unknown): boolean {
  return typeof value === "object" && value !== null && Reflect.get(value, Symbol.toStringTag) === "Module";
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
