/**
 * Lists what a plugin changed in an event.
 * @module
 */

import { isRecord } from "../../runtime/is_record.ts";

export interface Change {
  /** A JSON pointer. */
  path: string;
  /** Absent if the value is new. */
  before?: unknown;
  /** Absent if the value was removed. */
  after?: unknown;
}

/** With more changes than this, the two events themselves are more informative. */
const MOST_CHANGES = 500;

export function diffEvents(before: unknown, after: unknown): Change[] {
  const changes: Change[] = [];
  compare(before, after, "", changes);
  return changes;
}

function compare(before: unknown, after: unknown, path: string, changes: Change[]): void {
  if (changes.length >= MOST_CHANGES) return;
  if (isRecord(before) && isRecord(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const at = `${path}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
      if (!Object.hasOwn(before, key)) changes.push({ path: at, after: after[key] });
      else if (!Object.hasOwn(after, key)) changes.push({ path: at, before: before[key] });
      else compare(before[key], after[key], at, changes);
    }
  } else if (JSON.stringify(before) !== JSON.stringify(after)) changes.push({ path, before, after });
}
