/**
 * Finds what is wrong with a plugin.json, each problem with its position in the text.
 * @module
 */

import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";
import type { Manifest } from "../plugin.ts";
import { emptyManifest, ManifestError, parseManifest } from "../manifest/manifest.ts";
import { nearest, type Problem, problem } from "./problem.ts";

export interface CheckedManifest {
  manifest: Manifest;
  problems: Problem[];
  /** The position of a field, or of the nearest one that contains it. */
  placeOf(path: (string | number)[]): { line: number; column: number };
}

/** The fields of the manifest and of an entry of `config`: those that PostHog read, and those that we read. */
const TOP = ["name", "description", "url", "main", "lib", "config", "publicJobs", "schedule", "posthogVersion"];
const FIELD = [
  "key",
  "name",
  "type",
  "default",
  "hint",
  "markdown",
  "order",
  "required",
  "secret",
  "choices",
  "visible_if",
  "required_if",
];

/** Checks the text of a plugin.json; null when there is none. An unusable manifest is treated as empty. */
export function checkManifest(text: string | null, name: string): CheckedManifest {
  const problems: Problem[] = [];
  const add = (code: Parameters<typeof problem>[0], place: { line: number; column: number } | null, message: string) =>
    problems.push(problem(code, "plugin.json", place, message));
  if (text === null) {
    add("manifest-missing", null, `There is no plugin.json: the plugin has no configuration, and is called "${name}"`);
    return { manifest: emptyManifest(name), problems, placeOf: () => ({ line: 1, column: 1 }) };
  }
  const plain = text.replace(/^\uFEFF/, "");
  const errors: ParseError[] = [];
  const tree = parseTree(plain, errors, { allowTrailingComma: false, disallowComments: true });
  const placeOf = (path: (string | number)[]) => placeAt(plain, nodeAt(tree, path)?.offset ?? 0);
  const [first] = errors;
  if (first !== undefined || tree === undefined) {
    const words = first === undefined ? "nothing" : printParseErrorCode(first.error).replaceAll(/\B[A-Z]/g, " $&");
    add("manifest-not-json", placeAt(plain, first?.offset ?? 0), `Cannot read plugin.json as JSON: ${words}`);
    return { manifest: emptyManifest(name), problems, placeOf };
  }
  let manifest = emptyManifest(name);
  try {
    manifest = parseManifest(plain, name);
    for (const line of manifest.warnings ?? []) add("manifest-odd", placeOf(pathIn(line)), line);
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    for (const line of error.message.split("\n")) add("manifest-wrong", placeOf(pathIn(line)), line);
  }
  if (findNodeAtLocation(tree, ["name"])?.value === undefined) {
    add("manifest-no-name", placeOf([]), `"name" is missing: lists show the name of the folder`);
  }
  for (const { key, place } of keysOf(tree, plain)) checkKey(key, TOP, "", place);
  const config = findNodeAtLocation(tree, ["config"]);
  for (const [index, entry] of (config?.children ?? []).entries()) {
    const isList = config?.type === "array";
    const field = isList ? entry : entry.children?.[1];
    const where = isList ? `config[${index}]` : `config.${entry.children?.[0]?.value}`;
    const keys = keysOf(field, plain);
    for (const { key, place } of keys) checkKey(key, FIELD, ` in ${where}`, place);
    const isShown = keys.some(({ key }) => key === "markdown" || nearest(key, ["key"]) === "key");
    if (isList && keys.length > 0 && !isShown) {
      add(
        "manifest-no-key",
        placeAt(plain, entry.offset),
        `${where} has no "key": its value cannot be set, and the plugin never sees it`,
      );
    }
  }
  return { manifest, problems, placeOf };

  function checkKey(key: string, known: string[], where: string, place: { line: number; column: number }): void {
    if (known.includes(key)) return;
    const meant = nearest(key, known);
    if (meant !== null) add("manifest-misspelt", place, `"${key}"${where} is not read: did you mean "${meant}"?`);
  }
}

function keysOf(node: Node | undefined, text: string) {
  if (node?.type !== "object") return [];
  return (node.children ?? []).map(({ children }) => ({
    key: String(children?.[0]?.value),
    place: placeAt(text, children?.[0]?.offset ?? 0),
  }));
}

/** The node, or the nearest one around the place where it would be. */
function nodeAt(tree: Node | undefined, path: (string | number)[]): Node | undefined {
  if (tree === undefined) return undefined;
  for (let length = path.length; length > 0; length--) {
    const node = findNodeAtLocation(tree, path.slice(0, length));
    if (node !== undefined) return node;
  }
  return tree;
}

/** `config[0].type: found …` refers to `["config", 0, "type"]`. */
function pathIn(line: string): (string | number)[] {
  const [path = ""] = /^(?:\.?[\w$]+|\[\d+\]|\["[^"]*"\])+(?=: )/.exec(line) ?? [];
  return Array.from(
    path.matchAll(/\[(\d+)\]|\["([^"]*)"\]|[\w$]+/g),
    ([part, index, quoted]) => index !== undefined ? Number(index) : quoted ?? part,
  );
}

function placeAt(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split("\n");
  return { line: before.length, column: before.at(-1)!.length + 1 };
}
