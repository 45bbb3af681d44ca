/**
 * Replaces `{"$env": "NAME"}` and `{"$file": "path"}` in hogpen.json by a value from the environment or from a file.
 * @module
 */

import { showPath } from "../describe_issues.ts";

export interface ReferenceSources {
  env(name: string): string | undefined;
  /** The text of a file, whose path is relative to hogpen.json. Throws when it cannot be read. */
  file(path: string): string;
}

/** The value with every reference replaced, and a line for each reference that cannot be. */
export function replaceReferences(value: unknown, sources: ReferenceSources): { value: unknown; problems: string[] } {
  const problems: string[] = [];
  const kinds = { $env: readVariable, $file: readFile };

  function replace(value: unknown, path: (string | number)[]): unknown {
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map((item, index) => replace(item, [...path, index]));
    const kind = (["$env", "$file"] as const).find((each) => Object.hasOwn(value, each));
    if (kind === undefined) {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replace(item, [...path, key])]));
    }
    const { [kind]: name, ...rest } = value as Record<string, unknown>;
    if (typeof name !== "string" || name === "" || Object.keys(rest).length > 0) {
      const expected = kind === "$env" ? '{"$env": "NAME"}' : '{"$file": "path"}';
      problems.push(`${showPath(path)}: found an object with "${kind}", expected ${expected} alone`);
      return "";
    }
    return kinds[kind](name, showPath(path));
  }

  function readVariable(name: string, place: string): string {
    const text = sources.env(name);
    if (text === undefined) problems.push(`${place}: found no ${name} in the environment, expected it to be set`);
    return text ?? "";
  }

  function readFile(name: string, place: string): string {
    try {
      return withoutLineEnd(sources.file(name));
    } catch (error) {
      problems.push(`${place}: cannot read ${name}: ${error instanceof Error ? error.message : error}`);
      return "";
    }
  }

  return { value: replace(value, []), problems };
}

/** `echo` and editors append a line end, which is not part of a secret. */
export function withoutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, "");
}
