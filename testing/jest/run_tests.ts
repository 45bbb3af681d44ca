/**
 * The process that runs a repository's tests, with the rights of the author who starts it.
 * @module
 */

import { fileURLToPath } from "node:url";
import picocolors from "picocolors";
import { findTests } from "./find_tests.ts";
import { readJestConfig } from "./jest_config.ts";
import { describeFile, describeTotals, fileAsJson, totalsOf } from "./report.ts";
import { type FileResult, loadConfigFile, runFile } from "./run_file.ts";

export interface TestJob {
  root: string;
  patterns: string[];
  name: string | null;
  update: boolean;
  json: boolean;
  color: boolean;
  cacheFolder: string | null;
  /** `node_modules` with what the repository has not installed itself. */
  packageFolders: string[];
}

/** Packages that plugins are given, and that their tests import. */
const OWN_PACKAGES = fileURLToPath(new URL("../../node_modules", import.meta.url));
const KIT = "hogpen/testing";

/** Helpers that plugins' tests import, from before they left the package. */
const SCAFFOLD_UTILS = fileURLToPath(import.meta.resolve("@posthog/plugin-scaffold/test/utils"));
const STAND_INS = new Map([
  ["@posthog/plugin-scaffold/test/utils", SCAFFOLD_UTILS],
  ["posthog-plugins/test/utils", SCAFFOLD_UTILS],
]);

/** Resolves with the exit code: 1 when a test failed or there is none. */
export async function runTests(job: TestJob): Promise<number> {
  const started = performance.now();
  const { root, json } = job;
  const colors = picocolors.createColors(job.color);
  const print = console.log.bind(console);
  // What tests print is not what we print.
  if (json) { for (const name of ["log", "info", "debug", "dir", "table"] as const) console[name] = console.error; }
  const fallbacks = [...job.packageFolders, OWN_PACKAGES];
  const config = await readJestConfig(root, (path) => loadConfigFile(path, fallbacks));
  const paths = await findTests(config, job.patterns);
  if (paths.length === 0) {
    console.error(
      `Cannot run tests of ${root}: no file fits ${[...config.testMatch, ...config.testRegex].join(" or ")}`,
    );
    return 1;
  }
  const provided = await kitFor(paths);
  const files: FileResult[] = [];
  for (const path of paths) {
    const file = await runFile(path, {
      config,
      cacheFolder: job.cacheFolder,
      fallbacks,
      standIns: STAND_INS,
      provided,
      namePattern: job.name === null ? null : new RegExp(job.name, "i"),
      updateSnapshots: job.update,
      ci: Boolean(Deno.env.get("CI")),
    });
    files.push(file);
    if (json) print(JSON.stringify(fileAsJson(file, root)));
    else for (const line of describeFile(file, root, colors)) print(line);
  }
  const totals = totalsOf(files);
  const durationMs = performance.now() - started;
  if (json) print(JSON.stringify({ ...totals, durationMs: Math.round(durationMs) }));
  else for (const line of ["", ...describeTotals(totals, files.length, durationMs, colors)]) print(line);
  return totals.failedFiles === 0 ? 0 : 1;
}

/** The kit loads half of the service: only for those who ask for it. */
async function kitFor(paths: readonly string[]): Promise<Map<string, unknown>> {
  const texts = await Promise.all(paths.map((path) => Deno.readTextFile(path)));
  if (!texts.some((text) => text.includes(KIT))) return new Map();
  return new Map([[KIT, await import("../start_plugin.ts")]]);
}

if (import.meta.main) {
  const exitCode = await runTests(JSON.parse(Deno.args[0] as string) as TestJob);
  // Timers and servers that tests left behind do not hold the process.
  Deno.exit(exitCode);
}
