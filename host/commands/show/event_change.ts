/**
 * Lists what a plugin changed in an event, field by field.
 * @module
 */

import { isDeepStrictEqual } from "node:util";
import { isRecord } from "../../../runtime/is_record.ts";

/** `before` is absent if the field was added, `after` if it was removed. */
export interface Change {
  /** For example `properties.$ip`. Names that are not identifiers are in brackets. */
  path: string;
  before?: unknown;
  after?: unknown;
}

/** Every field that differs. Lists are compared as a whole. */
export function changesOf(before: unknown, after: unknown, path = ""): Change[] {
  if (!isRecord(before) || !isRecord(after)) {
    if (isDeepStrictEqual(before, after)) return [];
    return [{ path, ...(before !== undefined && { before }), ...(after !== undefined && { after }) }];
  }
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((name) => {
    const step = /^[\w$]+$/.test(name) ? `${path === "" ? "" : "."}${name}` : `[${JSON.stringify(name)}]`;
    return changesOf(before[name], after[name], `${path}${step}`);
  });
}

type Paint = (text: string) => string;

/** A line for each change: `+` for added, `-` for removed, `~` for changed. */
export function describeChanges(changes: Change[], colors: { green: Paint; red: Paint; yellow: Paint }): string[] {
  const width = Math.min(40, Math.max(0, ...changes.map(({ path }) => path.length)));
  return changes.map((change) => {
    const path = change.path.padEnd(width);
    if (!("before" in change)) return colors.green(`+ ${path}  ${showJson(change.after)}`);
    if (!("after" in change)) return colors.red(`- ${path}  ${showJson(change.before)}`);
    return colors.yellow(`~ ${path}  ${showJson(change.before)} → ${showJson(change.after)}`);
  });
}

/** On one line, shortened if it is long. */
export function showJson(value: unknown): string {
  const text = JSON.stringify(value) ?? "undefined";
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
}
