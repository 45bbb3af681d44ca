/**
 * Finds what is wrong with one file of a plugin.
 * @module
 */

import { METHODS } from "../../../runtime/capabilities.ts";
import { isProvidedModule, notProvidedMessage } from "../../../runtime/modules.ts";
import { isOwnFile, resolveFile } from "../compile/resolve_file.ts";
import { TransformError, transformFile } from "../compile/transform.ts";
import { inspectCode, type InspectedCode, type Place } from "./inspect_code.ts";
import { nearest, type Problem, problem, type ProblemCode } from "./problem.ts";

/** What is known about the plugin around the file. */
export interface FileContext {
  paths: ReadonlySet<string>;
  /** Path of the entry, whose exports are called. */
  main: string;
  /** npm packages that package.json names. */
  packages: ReadonlySet<string>;
  /** Keys of the fields in plugin.json. */
  configKeys: ReadonlySet<string>;
}

export interface CheckedFile {
  problems: Problem[];
  /** The plugin's own files that it loads. */
  imports: string[];
}

const CALLED = [...METHODS, "jobs", "runEveryMinute", "runEveryHour", "runEveryDay"];

export async function checkFile(path: string, code: string, context: FileContext): Promise<CheckedFile> {
  const checked: CheckedFile = { problems: [], imports: [] };
  const add = (code: ProblemCode, place: Place | null, words: string) => {
    // A value is often read more than once; only the first place is reported.
    if (checked.problems.some((other) => other.code === code && other.message === words)) return;
    checked.problems.push(problem(code, path, place, words));
  };
  if (path.endsWith(".json")) {
    try {
      JSON.parse(code);
    } catch (error) {
      add("json-wrong", null, `Cannot read ${path} as JSON: ${(error as Error).message}`);
    }
    return checked;
  }
  let inspected: InspectedCode;
  try {
    inspected = await inspectCode(path, code);
  } catch (error) {
    const { message, loc } = error as { message: string; loc?: { line: number; column: number } };
    if (loc === undefined) throw error;
    add("syntax", { line: loc.line, column: loc.column + 1 }, plainWords(message));
    return checked;
  }
  for (const { name, place } of inspected.imports) checkImport(name, place);
  for (const { name, place } of inspected.configKeys) checkConfigKey(name, place);
  if (path === context.main) { for (const { name, place } of inspected.names) checkName(name, place); }
  if (checked.problems.some(({ severity }) => severity === "error")) return checked;
  // Finds what only the compilation refuses, such as `with`.
  try {
    await transformFile({ path, code, paths: [...context.paths] });
  } catch (error) {
    if (!(error instanceof TransformError)) throw error;
    const place = error.line === null ? null : { line: error.line, column: (error.column ?? 0) + 1 };
    add("syntax", place, plainWords(error.message));
  }
  return checked;

  function checkImport(name: string | null, place: Place): void {
    if (name === null) {
      return add("import-computed", place, "require() of something computed: plugins name their modules");
    }
    if (isOwnFile(name)) {
      const target = resolveFile(name, path, context.paths);
      if (target !== null) checked.imports.push(target);
      else add("import-no-file", place, `Cannot import '${name}'! The plugin has no such file.`);
      return;
    }
    if (isProvidedModule(name.replace(/^node:/, ""))) return;
    const owner = name.split("/").slice(0, name.startsWith("@") ? 2 : 1).join("/");
    if (context.packages.has(owner)) {
      add("import-to-bundle", place, `'${name}' is an npm package: hogpen bundle packs it into the plugin`);
    } else add("import-not-provided", place, notProvidedMessage(name));
  }
  function checkConfigKey(name: string, place: Place): void {
    if (context.configKeys.has(name)) return;
    const meant = nearest(name, context.configKeys);
    if (meant !== null) add("config-misspelt", place, `plugin.json has no "${name}": did you mean "${meant}"?`);
    else add("config-undeclared", place, `plugin.json has no field with the key "${name}": no form shows it`);
  }
  function checkName(name: string, place: Place): void {
    const meant = CALLED.includes(name) || /^runEvery/.test(name) ? null : nearest(name, CALLED);
    if (meant !== null) add("export-misspelt", place, `Nothing calls "${name}": did you mean "${meant}"?`);
  }
}

/** Babel's first line, without the file and position that the problem already shows. */
function plainWords(message: string): string {
  const [first = message] = message.split("\n");
  return first.replace(/^\/\S+: /, "").replace(/ \(\d+:\d+\)$/, "");
}
