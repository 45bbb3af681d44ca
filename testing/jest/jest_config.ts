/**
 * The part of a repository's Jest configuration that decides what its tests mean.
 * @module
 */

import { dirname, join, resolve } from "node:path";

export interface JestConfig {
  rootDir: string;
  /** Folders with tests and `__mocks__`. */
  roots: string[];
  testMatch: string[];
  testRegex: string[];
  testPathIgnorePatterns: string[];
  testEnvironment: string;
  testTimeout: number;
  setupFiles: string[];
  setupFilesAfterEnv: string[];
  /** Pattern and what it is replaced by, in order. */
  moduleNameMapper: [RegExp, string[]][];
  moduleFileExtensions: string[];
  moduleDirectories: string[];
  modulePaths: string[];
  globals: Record<string, unknown>;
  automock: boolean;
  clearMocks: boolean;
  resetMocks: boolean;
  restoreMocks: boolean;
  resetModules: boolean;
  injectGlobals: boolean;
  /** Under Jest its modules are compiled by ts-jest rather than Babel. */
  usesTypeScript: boolean;
  /** What `jest.useFakeTimers()` means: Jest's default before version 27 was the legacy kind. */
  defaultTimers: "modern" | "legacy";
  /** Fake timers in every test. */
  fakeTimers: "none" | "modern" | "legacy";
  snapshotFormat: Record<string, unknown>;
}

/** Loads a file of the repository, as its tests would. */
export type LoadFile = (path: string) => unknown;

type Raw = Record<string, unknown>;

const CONFIG_FILES = ["ts", "js", "mjs", "cjs", "json"].map((extension) => `jest.config.${extension}`);

/** Reads package.json and jest.config.*; what Jest would do without either is the default. */
export async function readJestConfig(rootDir: string, load: LoadFile): Promise<JestConfig> {
  const packageJson = await readJson(join(rootDir, "package.json"));
  const named = typeof packageJson.jest === "string" ? packageJson.jest : null;
  let raw = typeof packageJson.jest === "object" && packageJson.jest !== null ? packageJson.jest as Raw : {};
  let base = rootDir;
  for (const name of named === null ? CONFIG_FILES : [named]) {
    const path = join(rootDir, name);
    if (!await Deno.stat(path).catch(() => null)) continue;
    raw = { ...await evaluate(path, load), ...raw };
    base = dirname(path);
    break;
  }
  return normalise(raw, resolve(base, asText(raw.rootDir, ".")), majorOf(packageJson));
}

/** A configuration that cannot be evaluated, mostly for want of packages for it, is the default. */
async function evaluate(path: string, load: LoadFile): Promise<Raw> {
  try {
    let exported = load(path) as { default?: unknown } | (() => unknown);
    if (typeof exported === "object" && exported !== null && "default" in exported) {
      exported = exported.default as object;
    }
    return (typeof exported === "function" ? await exported() : exported) as Raw ?? {};
  } catch (error) {
    console.error(`Warning: ${path} is left out: ${(error as Error).message.split("\n")[0]}`);
    return {};
  }
}

function normalise(raw: Raw, rootDir: string, major: number): JestConfig {
  const expand = (text: string) => text.replaceAll("<rootDir>", rootDir);
  const texts = (value: unknown, fallback: string[]) =>
    value === undefined ? fallback.map(expand) : [value].flat().map((each) => expand(String(each)));
  const timers = typeof raw.fakeTimers === "object" && raw.fakeTimers !== null ? raw.fakeTimers as Raw : {};
  const testRegex = texts(raw.testRegex, []);
  return {
    rootDir,
    roots: texts(raw.roots, ["<rootDir>"]).map((root) => resolve(rootDir, root)),
    testMatch: raw.testMatch === undefined && testRegex.length > 0
      ? []
      : texts(raw.testMatch, ["**/__tests__/**/*.[jt]s?(x)", "**/?(*.)+(spec|test).[jt]s?(x)"]),
    testRegex,
    testPathIgnorePatterns: texts(raw.testPathIgnorePatterns, ["/node_modules/"]),
    testEnvironment: asText(raw.testEnvironment, "node"),
    testTimeout: typeof raw.testTimeout === "number" ? raw.testTimeout : 5000,
    setupFiles: texts(raw.setupFiles, []),
    setupFilesAfterEnv: texts(raw.setupFilesAfterEnv ?? raw.setupTestFrameworkScriptFile, []),
    moduleNameMapper: Object.entries((raw.moduleNameMapper ?? {}) as Raw).map(([pattern, targets]) =>
      [new RegExp(pattern), texts(targets, [])] as [RegExp, string[]]
    ),
    moduleFileExtensions: texts(raw.moduleFileExtensions, ["js", "mjs", "cjs", "jsx", "ts", "tsx", "json", "node"]),
    moduleDirectories: texts(raw.moduleDirectories, ["node_modules"]),
    modulePaths: texts(raw.modulePaths, []).map((path) => resolve(rootDir, path)),
    globals: (raw.globals ?? {}) as Raw,
    automock: raw.automock === true,
    clearMocks: raw.clearMocks === true,
    resetMocks: raw.resetMocks === true,
    restoreMocks: raw.restoreMocks === true,
    resetModules: raw.resetModules === true,
    usesTypeScript: /ts-jest/.test(JSON.stringify([raw.preset, raw.transform])),
    defaultTimers: major < 27 ? "legacy" : "modern",
    injectGlobals: raw.injectGlobals !== false,
    fakeTimers: timers.enableGlobally === true
      ? timers.legacyFakeTimers === true ? "legacy" : "modern"
      : raw.timers === "fake" || raw.timers === "modern"
      ? "modern"
      : raw.timers === "legacy"
      ? "legacy"
      : "none",
    // Jest 29 changed how snapshots are written; those that were written before are still compared.
    snapshotFormat: {
      ...(major >= 29
        ? { escapeString: false, printBasicPrototype: false }
        : { escapeString: true, printBasicPrototype: true }),
      ...(raw.snapshotFormat as Raw | undefined),
    },
  };
}

/** Jest's major version as package.json asks for it; the newest when it does not say. */
function majorOf({ devDependencies, dependencies }: Raw): number {
  const range = { ...dependencies as Raw, ...devDependencies as Raw }.jest;
  return Number(/\d+/.exec(String(range ?? ""))?.[0] ?? 29);
}

function asText(value: unknown, fallback: string): string {
  return typeof value === "string" ? value : fallback;
}

async function readJson(path: string): Promise<Raw> {
  const text = await Deno.readTextFile(path).catch(() => "{}");
  return JSON.parse(text) as Raw;
}
