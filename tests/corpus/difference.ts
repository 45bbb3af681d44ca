/**
 * The exact difference between two JSON values, by JSON pointer. Lists are compared whole.
 * @module
 */

import { isDeepStrictEqual } from "node:util";
import { isRecord } from "../../runtime/is_record.ts";

export interface Difference {
  set: Record<string, unknown>;
  unset: string[];
}

export function difference(before: unknown, after: unknown): Difference {
  const found: Difference = { set: {}, unset: [] };
  compare("", before, after, found);
  found.unset.sort();
  return found;
}

function compare(pointer: string, before: unknown, after: unknown, found: Difference): void {
  if (!isRecord(before) || !isRecord(after)) {
    if (!isDeepStrictEqual(before, after)) found.set[pointer] = after;
    return;
  }
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const at = `${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    if (after[name] === undefined) {
      if (before[name] !== undefined) found.unset.push(at);
    } else if (before[name] === undefined) found.set[at] = after[name];
    else compare(at, before[name], after[name], found);
  }
}
