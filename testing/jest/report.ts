/**
 * What came of the tests, in lines for their author or as JSON.
 * @module
 */

import { relative } from "node:path";
import type { FileResult } from "./run_file.ts";
import type { TestResult } from "./run_tree.ts";

type Paint = (text: string) => string;

export interface ReportColors {
  red: Paint;
  green: Paint;
  yellow: Paint;
  bold: Paint;
  dim: Paint;
}

export interface Totals {
  passed: number;
  failed: number;
  skipped: number;
  todo: number;
  /** Files that could not run, or had a test that failed. */
  failedFiles: number;
}

export function totalsOf(files: readonly FileResult[]): Totals {
  const count = (status: TestResult["status"]) =>
    files.reduce((sum, { tests }) => sum + tests.filter((test) => test.status === status).length, 0);
  return {
    passed: count("passed"),
    failed: count("failed"),
    skipped: count("skipped"),
    todo: count("todo"),
    failedFiles: files.filter(hasFailed).length,
  };
}

export function hasFailed({ tests, error }: FileResult): boolean {
  return error !== null || tests.some(({ status }) => status === "failed");
}

/** A file with its tests, and what each that failed threw. */
export function describeFile(file: FileResult, root: string, colors: ReportColors): string[] {
  const { red, green, yellow, bold, dim } = colors;
  const failed = hasFailed(file);
  const lines = [`${failed ? red(bold("FAIL")) : green(bold("PASS"))} ${relative(root, file.path)}`];
  if (file.error !== null) lines.push("", indent(describeThrown(file.error, root)), "");
  let blocks: string[] = [];
  for (const { path, status, durationMs, errors } of file.tests) {
    const [at, name] = [path.slice(0, -1), path.at(-1) ?? ""];
    const shared = at.findIndex((block, index) => block !== blocks[index]);
    for (let depth = shared === -1 ? at.length : shared; depth < at.length; depth++) {
      lines.push(`${"  ".repeat(depth + 1)}${at[depth]}`);
    }
    blocks = at;
    const mark = { passed: green("✓"), failed: red("✕"), skipped: yellow("○"), todo: yellow("✎") }[status];
    const time = durationMs >= 5 ? dim(` (${Math.round(durationMs)} ms)`) : "";
    lines.push(`${"  ".repeat(at.length + 1)}${mark} ${status === "passed" ? dim(name) : name}${time}`);
    for (const error of errors) lines.push("", indent(describeThrown(error, root), at.length + 2), "");
  }
  return lines;
}

export function describeTotals(totals: Totals, files: number, durationMs: number, colors: ReportColors): string[] {
  const { red, green, yellow, bold } = colors;
  const { passed, failed, skipped, todo, failedFiles } = totals;
  const parts = (list: [number, string, Paint][]) =>
    list.filter(([count]) => count > 0).map(([count, word, paint]) => paint(`${count} ${word}`)).join(", ");
  return [
    `${bold("Files:")} ${parts([[failedFiles, "failed", red], [files - failedFiles, "passed", green]])}`,
    `${bold("Tests:")} ${
      parts([[failed, "failed", red], [skipped, "skipped", yellow], [todo, "todo", yellow], [
        passed,
        "passed",
        green,
      ]]) ||
      "none"
    }`,
    `${bold("Time:")}  ${(durationMs / 1000).toFixed(2)} s`,
  ];
}

/** For `--json`: one object per file. */
export function fileAsJson({ path, tests, error, snapshots, durationMs }: FileResult, root: string) {
  return {
    file: relative(root, path),
    error: error === null ? null : describeThrown(error, root),
    tests: tests.map(({ errors, durationMs, ...test }) => ({
      ...test,
      durationMs: Math.round(durationMs),
      errors: errors.map((error) => describeThrown(error, root)),
    })),
    snapshots,
    durationMs: Math.round(durationMs),
  };
}

/** The message, and the frames in the repository's own files. */
function describeThrown(error: unknown, root: string): string {
  if (!(error instanceof Error)) return `Thrown: ${Deno.inspect(error)}`;
  const { stack = "", message, name } = error;
  const words = message.includes("\n") || name === "Error" ? message : `${name}: ${message}`;
  const frames = stack.split("\n").filter((line) =>
    /^\s+at /.test(line) && line.includes(root) && !line.includes("/node_modules/")
  );
  return [words, ...frames.slice(0, 5).map((line) => `    ${line.trim().replace(`${root}/`, "")}`)].join("\n");
}

function indent(text: string, depth = 1): string {
  return text.split("\n").map((line) => `${"  ".repeat(depth)}${line}`).join("\n");
}
