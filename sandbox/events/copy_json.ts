/**
 * A copy of plain data as a round trip through JSON would make it, at a fraction of the cost: what one plugin of a
 * shared cell hands to the next one.
 * @module
 */

import { MAX_NESTING } from "../../runtime/nesting.ts";
import { createShapes } from "./shapes.ts";

const { parse, stringify } = JSON;

type Fields = Record<string, unknown>;

const { defineProperty, getPrototypeOf, keys: namesOf } = Object;
const { isArray } = Array;
const { isFinite } = Number;
const objectPrototype = Object.prototype;
const arrayPrototype = Array.prototype;

/**
 * State of the copy being made: roughly how many characters its JSON has, and how many levels lie around the current
 * value.
 */
let size = 0;
let depth = 0;
let limit = Infinity;

const shapes = createShapes(copy, grow);

/**
 * A copy that shares nothing with the value; undefined where JSON has nothing. Throws what JSON.stringify would throw,
 * and a RangeError when it is nested too deeply or would take more than about `maxChars`.
 */
export function copyJson(value: unknown, maxChars = Infinity): unknown {
  size = depth = 0;
  limit = maxChars;
  return copy(value);
}

function grow(chars: number): void {
  size += chars;
  if (size > limit) throw new RangeError(`Cannot pass on an event of more than ${limit} characters`);
}

function copy(value: unknown): unknown {
  switch (typeof value) {
    case "string":
      grow(value.length);
      return value;
    case "boolean":
      return value;
    case "number":
      // JSON has one zero.
      return isFinite(value) ? value + 0 : null;
    case "object":
      return value === null ? null : copyOneDeeper(value);
    case "bigint":
      throw new TypeError("Do not know how to serialize a BigInt");
    default:
      return undefined;
  }
}

function copyOneDeeper(value: object): unknown {
  if (++depth > MAX_NESTING) {
    throw new RangeError(`Cannot pass on an event nested more than ${MAX_NESTING} levels deep`);
  }
  const copied = copyObject(value as Fields);
  depth--;
  return copied;
}

function copyObject(value: Fields): unknown {
  if (isArray(value)) return getPrototypeOf(value) === arrayPrototype ? copyArray(value) : roundTrip(value);
  const keys = namesOf(value);
  const copied = shapes.copierOf(keys)?.(value);
  if (copied !== undefined) return copied;
  return isPlain(value) ? copyFields(keys, value) : roundTrip(value);
}

/**
 * Not true for dates, boxed values, instances of classes and objects with a toJSON: JSON defines what becomes of
 * those.
 */
function isPlain(value: Fields): boolean {
  const prototype: unknown = getPrototypeOf(value);
  // Plain data may have a field called toJSON: only a function is called. A proxy need not admit that it has one.
  return (prototype === objectPrototype || prototype === null) && typeof value["toJSON"] !== "function";
}

function copyFields(keys: string[], value: Fields): Fields {
  const copied: Fields = {};
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index]!;
    const field = copy(value[key]);
    if (field === undefined) continue;
    grow(key.length + 1);
    if (key === "__proto__") {
      defineProperty(copied, key, { value: field, writable: true, enumerable: true, configurable: true });
    } else copied[key] = field;
  }
  return copied;
}

function copyArray(value: unknown[]): unknown[] {
  const copied: unknown[] = [];
  for (let index = 0; index < value.length; index++) {
    grow(1);
    copied.push(copy(value[index]) ?? null);
  }
  return copied;
}

/** Copied once more, so that the result of toJSON is held to the same bounds. */
function roundTrip(value: object): unknown {
  const text: string | undefined = stringify(value);
  if (text === undefined) return undefined;
  const made: unknown = parse(text);
  depth--;
  const copied = copy(made);
  depth++;
  return copied;
}
