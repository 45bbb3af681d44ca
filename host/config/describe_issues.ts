/**
 * Describes zod's issues, one line for each: path of the field, what was found, what was expected.
 * @module
 */

import type { z } from "zod";
import { looksSecret } from "./looks_secret.ts";

type Issue = z.core.$ZodIssue;

/** Plain words for zod's type names. */
const NOUNS: Record<string, string> = { record: "object", int: "whole number" };

/** One line per problem. `input` is the parsed value; values longer than 60 characters are cut and secrets left out. */
export function describeIssues(error: z.ZodError, input: unknown): string[] {
  return error.issues.flatMap((issue) => describe(issue, input, []));
}

function describe(issue: Issue, input: unknown, prefix: PropertyKey[]): string[] {
  const path = [...prefix, ...issue.path];
  const value = valueAt(input, path);
  const found = isSecret(path, value) ? hideValue(value) : showValue(value);
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => `${showPath([...path, key])}: found an unknown field, expected none of this name`);
    case "invalid_union": {
      const types = /Expected (.+)$/.exec(issue.discriminator === undefined ? "" : issue.message)?.[1];
      if (types) {
        return [`${showPath(path)}: found ${found}, expected ${types.replaceAll("'", '"').replaceAll("|", "or")}`];
      }
      // The branch of the union that matched furthest (a right `type`, an object rather than a string) is the intended
      // one.
      const branch = issue.errors.toSorted((a, b) => depth(b) - depth(a))[0];
      if (branch && depth(branch) > 0) return branch.flatMap((inner) => describe(inner, input, path));
      const expected = [...new Set(issue.errors.flat().map(expectation))].join(" or ");
      return [`${showPath(path)}: found ${found}, expected ${expected || issue.message}`];
    }
    case "invalid_key":
      return [`${showPath(path)}: found this name, expected ${issue.issues.map(expectation).join(" and ")}`];
    case "custom":
      return [`${showPath(path)}: ${issue.message.startsWith("expected ") ? `found ${found}, ` : ""}${issue.message}`];
    default:
      return [`${showPath(path)}: found ${found}, expected ${expectation(issue)}`];
  }
}

function depth(issues: Issue[]): number {
  return Math.max(0, ...issues.map((issue) => issue.path.length));
}

function expectation(issue: Issue): string {
  // The schema has a message of its own.
  if (issue.message.startsWith("expected ")) return issue.message.slice("expected ".length);
  switch (issue.code) {
    case "invalid_type":
      return withArticle(NOUNS[issue.expected] ?? issue.expected);
    case "invalid_value":
      return issue.values.map((value) => JSON.stringify(value)).join(" or ");
    case "too_small":
      if (issue.origin === "string") {
        return issue.minimum === 1 ? "a string that is not empty" : `at least ${issue.minimum} characters`;
      }
      return issue.origin === "array"
        ? `at least ${issue.minimum} ${issue.minimum === 1 ? "entry" : "entries"}`
        : `a number ${issue.inclusive ? "of at least" : "above"} ${issue.minimum}`;
    case "too_big":
      return issue.origin === "string"
        ? `at most ${issue.maximum} characters`
        : `a number ${issue.inclusive ? "of at most" : "below"} ${issue.maximum}`;
    case "invalid_format":
      return issue.format === "regex" ? `text that matches ${issue.pattern}` : withArticle(issue.format);
    default:
      return issue.message;
  }
}

function withArticle(noun: string): string {
  return /^[aeio]/.test(noun) ? `an ${noun}` : `a ${noun}`;
}

/** `projects[0].plugins[1].id`; the whole file is "the file". */
export function showPath(path: readonly PropertyKey[]): string {
  const text = path.map((part) =>
    typeof part === "number"
      ? `[${part}]`
      : /^[A-Za-z_$][\w$]*$/.test(String(part))
      ? `.${String(part)}`
      : `[${JSON.stringify(String(part))}]`
  ).join("");
  return text.replace(/^\./, "") || "the file";
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const part of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}

/** Text in and below these fields is not repeated, because messages are logged. */
const SECRET_FIELD = /token|secret|password|key|url|headers/i;

function isSecret(path: readonly PropertyKey[], value: unknown): boolean {
  if (looksSecret("", value)) return true;
  return path.some((part, at) => {
    if (SECRET_FIELD.test(String(part))) return true;
    // The values of a plugin. The `config` of a plugin.json, in contrast, is a list of fields.
    return part === "config" && typeof path[at + 1] !== "number";
  });
}

function hideValue(value: unknown): string {
  return typeof value === "string" && value !== "" ? `a text of ${value.length} characters` : showValue(value);
}

function showValue(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (typeof value === "object" && value !== null) return "an object";
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
