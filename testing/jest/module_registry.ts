/**
 * The modules of one test file: each is loaded once, may be mocked, and all can be forgotten.
 * @module
 */

import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import vm from "node:vm";
import type { ModuleMocker } from "jest-mock";
import { compileModule, type CompileOptions } from "./compile_module.ts";
import { type ModuleLocation, resolveModule, type ResolveOptions } from "./resolve_module.ts";

interface Module {
  exports: unknown;
  id: string;
  filename: string;
  loaded: boolean;
  children: Module[];
  paths: string[];
  require: unknown;
}

type Factory = () => unknown;

export interface RegistryOptions extends ResolveOptions, CompileOptions {
  /** Folders whose `__mocks__` stand for npm packages. */
  roots: string[];
  /** Every module is mocked unless the test says otherwise. */
  automock: boolean;
  moduleMocker: ModuleMocker;
  /** Modules that are not files, such as `@jest/globals`. */
  provided: Map<string, () => unknown>;
  /** Files by the names of modules that stand for those that are not installed. */
  standIns: ReadonlyMap<string, string>;
  /** The `jest` object for the module at a path. */
  jestFor(path: string): unknown;
}

const native = createRequire(import.meta.url);

export class ModuleRegistry {
  readonly #options: RegistryOptions;
  #modules = new Map<string, Module>();
  #mocks = new Map<string, unknown>();
  /** By key: what `jest.mock` was given. It stays when the module is mocked again without one. */
  readonly #factories = new Map<string, Factory>();
  /** Whether a module is mocked, where the test has said so. */
  readonly #isMocked = new Map<string, boolean>();
  automock: boolean;

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.automock = options.automock;
  }

  /** What `require` gives: the mock when there is one. */
  require(from: string, specifier: string): unknown {
    const provided = this.#options.provided.get(specifier);
    if (provided !== undefined) return provided();
    const location = this.#locate(from, specifier);
    const key = keyOf(location, from, specifier);
    const isMocked = this.#isMocked.get(key) ??
      (location !== null && (this.#rootMock(location, specifier) !== null || this.#isAutomocked(location)));
    if (isMocked) return this.requireMock(from, specifier);
    if (location === null) throw this.#notFound(from, specifier);
    return this.#load(location);
  }

  requireActual(from: string, specifier: string): unknown {
    const provided = this.#options.provided.get(specifier);
    if (provided !== undefined) return provided();
    const location = this.#locate(from, specifier);
    if (location === null) throw this.#notFound(from, specifier);
    return this.#load(location);
  }

  requireMock(from: string, specifier: string): unknown {
    const location = this.#locate(from, specifier);
    const key = keyOf(location, from, specifier);
    if (this.#mocks.has(key)) return this.#mocks.get(key);
    const factory = this.#factories.get(key);
    const mock = factory ? factory() : this.#findMock(location, from, specifier);
    this.#mocks.set(key, mock);
    return mock;
  }

  /** `virtual` modules need not exist. */
  setMock(from: string, specifier: string, factory: Factory | undefined, virtual = false): void {
    const location = this.#locate(from, specifier);
    if (location === null && !virtual) throw this.#notFound(from, specifier);
    const key = keyOf(location, from, specifier);
    if (factory !== undefined) this.#factories.set(key, factory);
    this.#isMocked.set(key, true);
  }

  unmock(from: string, specifier: string): void {
    this.#isMocked.set(keyOf(this.#locate(from, specifier), from, specifier), false);
  }

  reset(): void {
    this.#modules = new Map();
    this.#mocks = new Map();
  }

  /** Modules that are loaded meanwhile are forgotten afterwards. */
  isolate<T>(run: () => T): T {
    const [modules, mocks] = [this.#modules, this.#mocks];
    this.reset();
    const restore = () => [this.#modules, this.#mocks] = [modules, mocks];
    let result: T;
    try {
      result = run();
    } catch (error) {
      restore();
      throw error;
    }
    if (result instanceof Promise) return result.finally(restore) as T;
    restore();
    return result;
  }

  #locate(from: string, specifier: string): ModuleLocation | null {
    const location = resolveModule(specifier, from, this.#options);
    if (location !== null) return location;
    const path = this.#options.standIns.get(specifier.replace(/\.js$/, ""));
    return path === undefined ? null : { path };
  }

  #findMock(location: ModuleLocation | null, from: string, specifier: string): unknown {
    if (location === null) throw this.#notFound(from, specifier);
    const manual = this.#rootMock(location, specifier) ?? neighbourMock(location, this.#options.moduleFileExtensions);
    if (manual !== null) return this.#load({ path: manual });
    // Made from the module itself, which is loaded aside for it.
    const actual = this.isolate(() => this.#load(location));
    const { moduleMocker } = this.#options;
    const metadata = moduleMocker.getMetadata(actual);
    if (metadata === null) throw new Error(`Cannot mock ${specifier}: it has nothing that could be mocked`);
    return moduleMocker.generateFromMetadata(metadata as never);
  }

  /** `__mocks__/node-fetch.js` beside node_modules stands for the package without being asked for. */
  #rootMock(location: ModuleLocation, specifier: string): string | null {
    if ("builtin" in location && !this.#isMocked.get(keyOf(location, "", specifier))) return null;
    if (/^[./#]/.test(specifier) || "path" in location && !location.path.includes("/node_modules/")) return null;
    for (const root of this.#options.roots) {
      const mock = withExtension(
        join(root, "__mocks__", specifier.replace(/^node:/, "")),
        this.#options.moduleFileExtensions,
      );
      if (mock !== null) return mock;
    }
    return null;
  }

  #isAutomocked(location: ModuleLocation): boolean {
    return this.automock && "path" in location && !location.path.includes("/node_modules/") &&
      !/\/__(?:tests|mocks)__\//.test(location.path);
  }

  #load(location: ModuleLocation): unknown {
    if ("builtin" in location) return native(`node:${location.builtin}`);
    const { path } = location;
    const known = this.#modules.get(path);
    if (known !== undefined) return known.exports;
    if (path.endsWith(".node")) return native(path);
    const module: Module = {
      exports: {},
      id: path,
      filename: path,
      loaded: false,
      children: [],
      paths: [],
      require: null,
    };
    this.#modules.set(path, module);
    try {
      const text = readFileSync(path, "utf8").replace(/^\uFEFF/, "");
      if (path.endsWith(".json")) module.exports = JSON.parse(text);
      else this.#evaluate(module, text);
      module.loaded = true;
    } catch (error) {
      this.#modules.delete(path);
      throw error;
    }
    return module.exports;
  }

  #evaluate(module: Module, text: string): void {
    const path = module.filename;
    const code = compileModule(path, text.replace(/^#!.*/, ""), this.#options);
    const require = Object.assign((specifier: string) => this.require(path, specifier), {
      resolve: (specifier: string) => {
        const location = this.#locate(path, specifier);
        if (location === null) throw this.#notFound(path, specifier);
        return "builtin" in location ? location.builtin : location.path;
      },
      cache: Object.create(null),
      extensions: Object.create(null),
      main: module,
      requireActual: (specifier: string) => this.requireActual(path, specifier),
      requireMock: (specifier: string) => this.requireMock(path, specifier),
    });
    module.require = require;
    // Packages that find Deno take another way than in Node, where these tests come from.
    const wrapper = `(function (module, exports, require, __dirname, __filename, jest, Deno) {${code}\n})`;
    const run = vm.runInThisContext(wrapper, { filename: path }) as (...args: unknown[]) => void;
    const args = [module, module.exports, require, dirname(path), path, this.#options.jestFor(path), undefined];
    Reflect.apply(run, module.exports, args);
  }

  #notFound(from: string, specifier: string): Error {
    return Object.assign(new Error(`Cannot find module '${specifier}' from '${from}'`), { code: "MODULE_NOT_FOUND" });
  }
}

/** A module that does not exist is known by its name and the folder that asks. */
function keyOf(location: ModuleLocation | null, from: string, specifier: string): string {
  if (location === null) return /^\./.test(specifier) ? join(dirname(from), specifier) : specifier;
  return "builtin" in location ? `node:${location.builtin}` : location.path;
}

/** `__mocks__/x.js` beside `x.js`. */
function neighbourMock(location: ModuleLocation, extensions: string[]): string | null {
  if ("builtin" in location) return null;
  const name = basename(location.path).replace(/\.\w+$/, "");
  return withExtension(join(dirname(location.path), "__mocks__", name), extensions);
}

function withExtension(path: string, extensions: string[]): string | null {
  return extensions.map((extension) => `${path}.${extension}`).find(existsSync) ??
    extensions.map((extension) => join(path, `index.${extension}`)).find(existsSync) ?? null;
}
