/**
 * Compiles one file of a plugin, TypeScript or JavaScript in any module style, to CommonJS for a sandbox.
 * @module
 */

import type { InputOptions } from "@babel/core";
import { type ModulesOptions, modulesPlugin } from "./babel_modules.ts";
import { loopsPlugin } from "./babel_loops.ts";
import { strictPlugin } from "./babel_strict.ts";

/** Must change whenever the output for the same input changes; part of the cache's key. */
export const TRANSFORM_VERSION = 4;

/** The input of a compilation. It is serialisable, because it may be sent to another thread. */
export interface TransformJob {
  /** Path within the plugin; messages show it with a leading `/`. */
  path: string;
  code: string;
  /** Every path of the plugin, to which relative imports may refer. */
  paths: string[];
}

export interface TransformedFile {
  code: string;
  /** Source map as JSON text. */
  map: string;
  /** Paths of the plugin's own files that it loads. */
  imports: string[];
  /** Packages that it imports and that must be installed. */
  packages: string[];
}

/**
 * Code that cannot be compiled. The message is Babel's: `/index.ts: Unexpected token (1:24)` and the lines around it.
 */
export class TransformError extends SyntaxError {
  override name = "SyntaxError";
  constructor(message: string, readonly line: number | null, readonly column: number | null, options?: ErrorOptions) {
    super(message, options);
  }
}

/** Babel and its plugins, loaded by whoever compiles. */
export interface BabelTools {
  babel: typeof import("@babel/core");
  typescript: typeof import("@babel/preset-typescript").default;
  commonjs: typeof import("@babel/plugin-transform-modules-commonjs").default;
}

/** Compiles in this thread. The first call loads Babel, about 40 MB that a host with a warm cache does not need. */
export async function transformFile(job: TransformJob): Promise<TransformedFile> {
  const [babel, { default: typescript }, { default: commonjs }] = await Promise.all([
    import("@babel/core"),
    import("@babel/preset-typescript"),
    import("@babel/plugin-transform-modules-commonjs"),
  ]);
  return compileFile({ babel, typescript, commonjs }, job);
}

/** The compilation itself. Throws TransformError. */
export function compileFile({ babel, typescript, commonjs }: BabelTools, job: TransformJob): TransformedFile {
  const imports = new Set<string>();
  const packages = new Set<string>();
  const modules: ModulesOptions = { path: job.path, paths: new Set(job.paths), imports, packages };
  const options: InputOptions = {
    filename: `/${job.path}`,
    cwd: "/",
    root: "/",
    envName: "production",
    configFile: false,
    babelrc: false,
    browserslistConfigFile: false,
    inputSourceMap: false,
    highlightCode: false,
    sourceMaps: true,
    sourceType: "unambiguous",
    compact: false,
    comments: false,
    plugins: [
      () => loopsPlugin(babel),
      () => strictPlugin(babel),
      () => modulesPlugin(babel, modules),
      [commonjs, { strictMode: false, allowTopLevelThis: true }],
    ],
  };
  const withTypes: InputOptions = {
    ...options,
    presets: [[typescript, { ignoreExtensions: true, onlyRemoveTypeImports: false }]],
  };
  function transform(options: InputOptions): TransformedFile {
    imports.clear();
    packages.clear();
    const result = babel.transformSync(job.code, options);
    if (typeof result?.code !== "string") throw new Error(`Cannot compile /${job.path}: no output`);
    return { code: result.code, map: JSON.stringify(result.map), imports: [...imports], packages: [...packages] };
  }
  try {
    return transform(/\.[cm]?tsx?$/.test(job.path) ? withTypes : options);
  } catch (error) {
    // Read as TypeScript, minified JavaScript can change its meaning: `f(a < b, c > (d))` becomes one call. So a .js
    // file is read as JavaScript first. It may still contain types, because PostHog read everything as TypeScript.
    if (!isParseError(error) || /\.[cm]?tsx?$/.test(job.path)) throw toTransformError(error);
  }
  try {
    return transform(withTypes);
  } catch (error) {
    throw toTransformError(error);
  }
}

function isParseError(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === "BABEL_PARSE_ERROR";
}

function toTransformError(error: unknown): TransformError {
  const { message, loc } = error as { message?: string; loc?: { line?: number; column?: number } };
  return new TransformError(message ?? String(error), loc?.line ?? null, loc?.column ?? null, { cause: error });
}
