/**
 * Objects of shapes that were seen before. Built property by property, an object of more than a dozen becomes a hash table
 * to the engine, three times as slow to read, copy and write from then on; the clone of one that JSON.parse made does not.
 * @module
 */

type Blank = Record<string, unknown>;

interface Shapes {
  known: { keys: string[]; blank: Blank }[];
  /** Where the next one goes when all places are taken. */
  next: number;
  /** Keys of the last object whose shape was not known. */
  missed: string[];
}

/** V8 allows an object 12 properties by computed keys before it becomes a table (kFastPropertiesSoftLimit). */
const LEAST_KEYS = 13;
/** Larger objects are tables in any case, or rare. */
const MOST_KEYS = 500;
/** As many events in a row may differ in their properties' names, though not in their number. */
const KNOWN_PER_SIZE = 8;

const { stringify, parse } = JSON;
const bySize: (Shapes | undefined)[] = [];

/** A new object with these keys, every value to be set; undefined where that does not pay, as for a shape's first object. */
export function blankOf(keys: string[]): Blank | undefined {
  if (keys.length < LEAST_KEYS || keys.length > MOST_KEYS) return undefined;
  const shapes = bySize[keys.length] ??= { known: [], next: 0, missed: [] };
  for (let index = 0; index < shapes.known.length; index++) {
    const shape = shapes.known[index]!;
    if (areSame(shape.keys, keys)) return { ...shape.blank };
  }
  // An object with names like no other must not cost the making of a shape.
  if (!areSame(shapes.missed, keys)) {
    shapes.missed = keys;
    return undefined;
  }
  const blank = makeBlank(keys);
  shapes.known[shapes.next] = { keys, blank };
  shapes.next = (shapes.next + 1) % KNOWN_PER_SIZE;
  return { ...blank };
}

function areSame(some: string[], others: string[]): boolean {
  if (some.length !== others.length) return false;
  for (let index = 0; index < some.length; index++) {
    if (some[index] !== others[index]) return false;
  }
  return true;
}

/** Has held a value of every kind in every field, so that the engine expects any. */
function makeBlank(keys: string[]): Blank {
  let text = "";
  for (const key of keys) text += `${text === "" ? "{" : ","}${stringify(key)}:null`;
  const blank = parse(`${text}}`) as Blank;
  for (const value of [0, 0.5, "", null]) {
    for (const key of keys) blank[key] = value;
  }
  return blank;
}
