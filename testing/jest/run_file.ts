/**
 * Runs one test file: its world, its modules, its tests.
 * @module
 */

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "expect";
import { define, enterEnvironment } from "./environment.ts";
import type { JestConfig } from "./jest_config.ts";
import { createJestEnvironment } from "./jest_object.ts";
import { ModuleRegistry } from "./module_registry.ts";
import { type TestResult, TestRun } from "./run_tree.ts";
import { addSnapshotMatchers } from "./snapshot_matchers.ts";
import { Snapshots } from "./snapshots.ts";
import { createTestTree } from "./test_tree.ts";

export interface RunFileOptions {
  config: JestConfig;
  /** Compiled modules are remembered here. */
  cacheFolder: string | null;
  /** `node_modules` for what the repository has not installed. */
  fallbacks: string[];
  /** Files for modules that are not installed, by name. */
  standIns: ReadonlyMap<string, string>;
  /** By name, such as `hogpen/testing`. */
  provided: ReadonlyMap<string, unknown>;
  namePattern: RegExp | null;
  updateSnapshots: boolean;
  ci: boolean;
}

export interface FileResult {
  path: string;
  tests: TestResult[];
  /** What kept the file from running at all. */
  error: unknown;
  snapshots: { written: number; updated: number };
  durationMs: number;
}

export async function runFile(path: string, options: RunFileOptions): Promise<FileResult> {
  const { config } = options;
  const started = performance.now();
  const code = readFileSync(path, "utf8");
  const leave = enterEnvironment(config, path, code, (error) => run.addStray(error));
  const environment = createJestEnvironment(config);
  const snapshots = new Snapshots({
    testPath: path,
    update: options.updateSnapshots,
    ci: options.ci,
    format: config.snapshotFormat,
  });
  const tests: TestResult[] = [];
  const tree = createTestTree();
  const run: TestRun = new TestRun({
    timeout: () => environment.state.timeout,
    namePattern: options.namePattern,
    retries: () => environment.state.retries,
    beforeTest(currentTestName) {
      expect.setState({ currentTestName, testPath: path, ...NO_ASSERTIONS });
      if (config.resetModules) registry.reset();
      environment.beforeTest();
    },
    afterTest: () => expect.extractExpectedAssertionsErrors().map(({ error }) => error),
    onResult: (result) => tests.push(result),
  });
  const jestExpect = Object.assign(expect, {
    addSnapshotSerializer: (serializer: unknown) => snapshots.addSerializer(serializer),
  });
  const registry: ModuleRegistry = new ModuleRegistry({
    ...config,
    fallbacks: options.fallbacks,
    standIns: options.standIns,
    cacheFolder: options.cacheFolder,
    inOrder: config.usesTypeScript,
    moduleMocker: environment.moduleMocker,
    provided: new Map<string, () => unknown>([
      ["@jest/globals", () => ({ ...tree.globals, expect: jestExpect, jest: jestFor(path) })],
      ...Array.from(options.provided, ([name, module]) => [name, () => module] as const),
    ]),
    jestFor: (path) => jestFor(path),
  });
  const jests = new Map<string, unknown>();
  function jestFor(path: string): unknown {
    const jest = jests.get(path) ?? environment.jestFor(path, registry);
    jests.set(path, jest);
    return jest;
  }
  const onError = (event: ErrorEvent | PromiseRejectionEvent) => {
    event.preventDefault();
    run.addStray("reason" in event ? event.reason : event.error);
  };
  addEventListener("error", onError);
  addEventListener("unhandledrejection", onError);
  let error: unknown = null;
  try {
    addSnapshotMatchers(snapshots);
    if (config.injectGlobals) define({ ...tree.globals, expect: jestExpect, jest: jestFor(path) });
    const setUp = (names: string[]) => {
      for (const name of names) registry.requireActual(join(config.rootDir, "package.json"), name);
    };
    setUp(config.setupFiles);
    setUp(config.setupFilesAfterEnv);
    const exported = registry.requireActual(path, path);
    // A file with await at its top is a promise of its exports.
    if (exported instanceof Promise) await exported;
    tree.close();
    if (tree.root.children.length === 0) throw new Error("Your test suite must contain at least one test.");
    await run.run(tree);
    snapshots.save();
  } catch (cause) {
    error = cause ?? new Error("The file threw nothing");
  } finally {
    environment.dispose();
    removeEventListener("error", onError);
    removeEventListener("unhandledrejection", onError);
    leave();
  }
  const { written, updated } = snapshots;
  return { path, tests, error, snapshots: { written, updated }, durationMs: performance.now() - started };
}

const NO_ASSERTIONS = {
  assertionCalls: 0,
  expectedAssertionsNumber: null,
  isExpectingAssertions: false,
  suppressedErrors: [],
};

/** Loads a file of the repository outside of any test: its configuration. */
export function loadConfigFile(path: string, fallbacks: string[]): unknown {
  const folder = dirname(path);
  const registry = new ModuleRegistry({
    rootDir: folder,
    roots: [],
    moduleNameMapper: [],
    moduleFileExtensions: ["js", "ts", "json", "cjs", "mjs"],
    moduleDirectories: ["node_modules"],
    modulePaths: [],
    fallbacks,
    automock: false,
    cacheFolder: null,
    inOrder: false,
    moduleMocker: {} as never,
    standIns: new Map(),
    provided: new Map(),
    jestFor: () => undefined,
  });
  return registry.requireActual(path, path);
}
