/**
 * `{"$env": "NAME"}` in hogpen.json: a value that stands in the environment instead of the file.
 * @module
 */

import { showPath } from "./describe_issues.ts";

/** The value with every reference replaced, and a line for each one that cannot be. */
export function replaceEnvReferences(
  value: unknown,
  env: (name: string) => string | undefined,
): { value: unknown; problems: string[] } {
  const problems: string[] = [];
  function replace(value: unknown, path: (string | number)[]): unknown {
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map((item, index) => replace(item, [...path, index]));
    if (!Object.hasOwn(value, "$env")) {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replace(item, [...path, key])]));
    }
    const { $env: name, ...rest } = value as Record<string, unknown>;
    if (typeof name !== "string" || name === "" || Object.keys(rest).length > 0) {
      problems.push(`${showPath(path)}: found an object with "$env", expected {"$env": "NAME"} alone`);
      return "";
    }
    const text = env(name);
    if (text === undefined) {
      problems.push(`${showPath(path)}: found no ${name} in the environment, expected it to be set`);
    }
    return text ?? "";
  }
  return { value: replace(value, []), problems };
}
