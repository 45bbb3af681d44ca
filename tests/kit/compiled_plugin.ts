/**
 * Runs compiled files of a plugin in this process: strict code that gets what a sandbox gives it, to see what a
 * compilation means.
 * @module
 */

import { transformFile } from "../../host/loader/compile/transform.ts";

export interface CompiledPlugin {
  exports: Record<string, unknown>;
  /** Turns of guarded loops, as `line:column`. */
  checks: string[];
}

/** Compiles the file and what it imports, and evaluates it. `modules` are the provided modules. */
export async function runCompiled(
  files: Record<string, string>,
  main = Object.keys(files)[0]!,
  modules: Record<string, unknown> = {},
): Promise<CompiledPlugin> {
  const compiled = new Map<string, string>();
  const paths = Object.keys(files);
  const queue = [main];
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    if (compiled.has(path)) continue;
    if (path.endsWith(".json")) compiled.set(path, `module.exports = ${files[path]}`);
    else {
      const { code, imports } = await transformFile({ path, code: files[path]!, paths });
      compiled.set(path, code);
      queue.push(...imports);
    }
  }
  const checks: string[] = [];
  const clock = {
    now: () => 1,
    check(start: number, line: number, column: number) {
      if (start !== 1) throw new Error("The clock was not started");
      checks.push(`${line}:${column}`);
      if (checks.length > 1000) throw new Error("Too many turns");
    },
  };
  const loaded = new Map<string, { exports: Record<string, unknown> }>();
  function require(name: string): unknown {
    if (Object.hasOwn(modules, name)) return modules[name];
    const path = name.slice(1);
    const code = compiled.get(path);
    if (!name.startsWith("/") || code === undefined) throw new Error(`No module ${name}`);
    const module = loaded.get(path) ?? { exports: {} };
    if (loaded.has(path)) return module.exports;
    loaded.set(path, module);
    const body = new Function(
      "require",
      "module",
      "exports",
      "__hogpen_loop",
      `"use strict"; ${code}\n;return exports`,
    );
    const exports = Reflect.apply(body, module.exports, [require, module, module.exports, clock]);
    if (exports !== module.exports && Object.keys(module.exports).length === 0) module.exports = exports;
    return module.exports;
  }
  return { exports: require(`/${main}`) as Record<string, unknown>, checks };
}
