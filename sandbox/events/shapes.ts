/**
 * Functions made to copy objects of one shape, which is to say with the same properties in the same order. Most events of a chain
 * are alike, and the engine makes of such a function what it would of a hand-written one: a third of the time of a loop over keys,
 * and the copy is a fast object even where the plugin's was not, as after `delete` (both measured).
 * @module
 */

type Fields = Record<string, unknown>;

/**
 * A copy of an object that has just the properties of the shape, each copied by `copyField`, for which a string needs no copy. Tells `grow`
 * how many characters its names and strings have. Properties of which `copyField` makes nothing are left out. Undefined, before anything is
 * copied, when the object is of a class or has a toJSON.
 */
export type ShapeCopier = (source: Fields) => Fields | undefined;

export interface Shapes {
  /** The copier of objects with these properties; undefined while they were not seen often. */
  copierOf(keys: string[]): ShapeCopier | undefined;
}

interface Shape {
  keys: string[];
  seen: number;
  copier?: ShapeCopier;
}

/** To make a copier takes 0.1 ms, so that an object with names like no other must not bring one about. */
const SEEN_OFTEN = 4;
/** Larger objects are rare, and their functions take long to make. */
const MOST_KEYS = 200;
/** As many objects in turn may differ in their properties' names, though not in their number. */
const KNOWN_PER_SIZE = 8;
/** A copier takes about 20 KB. */
const MOST_COPIERS = 250;

const { stringify } = JSON;
/** The engine's own, of before lockdown. */
const EngineFunction = Function;

export function createShapes(copyField: (value: unknown) => unknown, grow: (chars: number) => void): Shapes {
  let bySize: (Shape[] | undefined)[] = [];
  let copiers = 0;

  function find(keys: string[]): Shape {
    const known = bySize[keys.length] ??= [];
    for (let index = 0; index < known.length; index++) {
      const shape = known[index]!;
      if (areSame(shape.keys, keys)) return shape;
    }
    const shape = { keys, seen: 0 };
    known.push(shape);
    if (known.length > KNOWN_PER_SIZE) known.shift();
    return shape;
  }

  return {
    copierOf(keys) {
      if (keys.length > MOST_KEYS) return undefined;
      const shape = find(keys);
      if (shape.copier !== undefined || ++shape.seen < SEEN_OFTEN) return shape.copier;
      if (++copiers > MOST_COPIERS) {
        bySize = [];
        copiers = 0;
      }
      return shape.copier = makeCopier(keys, copyField, grow);
    },
  };
}

function areSame(some: string[], others: string[]): boolean {
  for (let index = 0; index < some.length; index++) {
    if (some[index] !== others[index]) return false;
  }
  return true;
}

/** Names are the only foreign text in the code, each as a JSON string, which is a string to the language as well. */
function makeCopier(
  keys: string[],
  copyField: (value: unknown) => unknown,
  grow: (chars: number) => void,
): ShapeCopier {
  let fields = "";
  let chars = 0;
  for (const key of keys) {
    const name = stringify(key);
    // In brackets it is a name like any other; all in brackets would make a slow object.
    const field = key === "__proto__" ? `[${name}]` : name;
    fields += `${field}: typeof (value = source[${name}]) === "string" ? (chars += value.length, value)
      : (value = copyField(value)) === undefined ? void (missing = true) : value,\n`;
    chars += key.length + 1;
  }
  // What is asked here, and not of any shape elsewhere, the compiler answers by the shape alone.
  const code = `"use strict";
    return function copyShape(source) {
      if (getPrototypeOf(source) !== prototype || typeof source.toJSON === "function") return undefined;
      let value, missing = false, chars = ${chars};
      const copied = { ${fields} };
      grow(chars);
      return missing ? withoutMissing(copied) : copied;
    }`;
  const make = new EngineFunction("copyField", "grow", "getPrototypeOf", "prototype", "withoutMissing", code);
  return make(copyField, grow, Object.getPrototypeOf, Object.prototype, withoutMissing) as ShapeCopier;
}

/** What was copied is not copied again: an object in an object, each with something missing, would double the work at every level. */
function withoutMissing(copied: Fields): Fields {
  const left: Fields = {};
  for (const key of Object.keys(copied)) {
    const value = copied[key];
    if (value === undefined) continue;
    if (key === "__proto__") {
      Object.defineProperty(left, key, { value, writable: true, enumerable: true, configurable: true });
    } else left[key] = value;
  }
  return left;
}
