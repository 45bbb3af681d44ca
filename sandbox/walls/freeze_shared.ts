/**
 * Freezes a built-in module that all plugins of a cell share, with everything reachable from it.
 *
 * On a frozen prototype a data property could not be overridden by assignment either (`this._events = …` in a
 * constructor of a subclass would throw), so those of prototypes become accessors which give an instance a property of
 * its own.
 * @module
 */

export type Shared = Record<PropertyKey, unknown>;

const PROMISIFIED = Symbol.for("nodejs.util.promisify.custom");

const seen = new WeakSet<object>();

function isShared(value: unknown): value is Shared {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  // Typed arrays cannot be frozen, and no shared code lies below them.
  return !ArrayBuffer.isView(value) && !(value instanceof ArrayBuffer);
}

/** Freezes the value and all that its properties and prototypes lead to. */
export function freezeShared(root: unknown): void {
  freezeFrom(root, () => true);
}

/**
 * Freezes the functions and prototypes that a sample of a class leads to, and plain objects that functions lead to; the
 * state of instances stays as it is.
 */
export function freezeCode(sample: unknown): void {
  freezeFrom(sample, (value) => typeof value === "function");
}

/** @param settles whose getters are used, and if it is no prototype, what is frozen */
function freezeFrom(root: unknown, settles: (value: Shared) => boolean): void {
  const prototypes = new Set<object>();
  const found: Shared[] = [];
  const promisified = new Set<unknown>();
  const visit = (value: unknown) => {
    if (!isShared(value) || seen.has(value)) return;
    seen.add(value);
    found.push(value);
  };
  visit(root);
  for (let at = 0; at < found.length; at++) {
    const value = found[at]!;
    const parent: unknown = Object.getPrototypeOf(value);
    if (isShared(parent)) prototypes.add(parent);
    visit(parent);
    // A class may be the prototype of another one, but its getters need no instance.
    if (settles(value) && (typeof value === "function" || !prototypes.has(value))) settleGetters(value).forEach(visit);
    for (const key of Reflect.ownKeys(value)) {
      const descriptor = Object.getOwnPropertyDescriptor(value, key)!;
      if (key === "prototype" && isShared(descriptor.value)) prototypes.add(descriptor.value);
      if (key === PROMISIFIED) promisified.add(value[key]);
      visit(descriptor.value);
      visit(descriptor.get);
      visit(descriptor.set);
    }
  }
  for (const value of found) {
    if (Object.isFrozen(value) || isNamespace(value)) continue;
    if (promisified.has(value)) closePromisified(value);
    else if (prototypes.has(value)) closePrototype(value);
    else if (settles(value)) Object.freeze(value);
  }
}

/** The namespace of a module: nobody can assign to it, and the engine refuses to freeze it. */
function isNamespace(value: Shared): boolean {
  return !Object.isExtensible(value) && value[Symbol.toStringTag] === "Module";
}

/**
 * What getters give. Deno puts exports behind getters that replace themselves when they are first used, which must be
 * before they are frozen.
 */
function settleGetters(value: Shared): unknown[] {
  return Reflect.ownKeys(value).map((key) => {
    if (Object.getOwnPropertyDescriptor(value, key)!.get === undefined) return undefined;
    try {
      return value[key];
    } catch {
      // The getter needs another `this`, so it replaces nothing here.
    }
  });
}

/**
 * As good as frozen: `util.promisify(pipeline)` writes this property of what it returns, the same value every time, and
 * whoever wrote another there has it overwritten before anybody reads it.
 */
function closePromisified(promisified: Shared): void {
  const value = { value: promisified, writable: false, enumerable: false };
  Object.defineProperty(promisified, PROMISIFIED, { ...value, configurable: true });
  for (const key of Reflect.ownKeys(promisified)) {
    if (key === PROMISIFIED) continue;
    const { value } = Object.getOwnPropertyDescriptor(promisified, key)!;
    Object.defineProperty(promisified, key, {
      configurable: false,
      ...(value === undefined ? {} : { writable: false }),
    });
  }
  Object.preventExtensions(promisified);
}

/** As good as frozen: only properties that cannot be redefined stay writable, as subclasses assign to them as well. */
export function closePrototype(prototype: Shared): void {
  for (const key of Reflect.ownKeys(prototype)) makeOverridable(prototype, key);
  if (typeof prototype === "function") Object.freeze(prototype);
  else Object.preventExtensions(prototype);
}

/**
 * Makes a property of a prototype an accessor that nobody can change, but whose assignment to an instance gives the
 * instance a property of its own.
 */
export function makeOverridable(prototype: Shared, key: PropertyKey): void {
  const { value, configurable, enumerable, get, set } = Object.getOwnPropertyDescriptor(prototype, key)!;
  if (!configurable) return;
  if (get !== undefined || set !== undefined) {
    Object.defineProperty(prototype, key, { configurable: false });
    return;
  }
  const own = {
    get: () => value,
    set(this: object, replacement: unknown) {
      if (this === prototype) throw new TypeError(`Cannot assign to '${String(key)}': plugins share this object`);
      Object.defineProperty(this, key, { value: replacement, writable: true, enumerable: true, configurable: true });
    },
  };
  Object.defineProperty(prototype, key, {
    get: Object.freeze(own.get),
    set: Object.freeze(own.set),
    enumerable: enumerable ?? false,
    configurable: false,
  });
}
