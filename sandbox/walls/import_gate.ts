/**
 * Refuses, in the engine's own module resolution, every import that a package does not make itself, and among those
 * the modules of Node that packages may not have. `import()` in any disguise ends here, and so does a module loader
 * in the wrong hands.
 * @module
 */

import { isBuiltin, registerHooks } from "node:module";
import { queueMicrotask } from "./capture.ts";
import { builtInName, isOpenToPackages } from "./packages/package_modules.ts";

/** Relative to the service, whose own files may themselves lie below some node_modules. */
const ROOT = new URL("../../", import.meta.url).href;

let open = true;

/** True for files of packages, but not of SES: what plugins evaluate counts as its. */
function isPackage(url: string): boolean {
  const path = url.startsWith(ROOT) ? url.slice(ROOT.length) : "";
  return path.startsWith("node_modules/") && !/node_modules\/(?:\.deno\/)?ses[@/]/.test(path);
}

/** Installs the gate, open until it is closed. */
export function installImportGate(): void {
  registerHooks({
    resolve(specifier, context, next) {
      const asked = String(specifier);
      const byPackage = isPackage(context.parentURL ?? "");
      const allowed = byPackage ? isForPackages(asked, context.conditions) : open || imported.has(asked);
      if (!allowed) throw new Error(`Cannot import '${asked.slice(0, 200)}': it is not available in plugins`);
      const found = next(asked, context);
      if (byPackage && context.conditions.includes("import")) tellOfImport(found.url);
      return found;
    },
  });
}

function isForPackages(specifier: string, conditions: readonly string[]): boolean {
  const builtIn = builtInName(specifier, isBuiltin);
  return builtIn === undefined || isOpenToPackages(builtIn, conditions.includes("import"));
}

/**
 * ES modules that packages have imported, of which the engine has one for everybody in the Worker; they stay open to be
 * imported again.
 */
const imported = new Set<string>();
let takeModule: ((module: unknown) => void) | undefined;

/** Hands over each ES module that a package imports from now on, as soon as the package has it. */
export function watchImports(take: (module: unknown) => void): void {
  takeModule = take;
}

function tellOfImport(url: string): void {
  if (takeModule === undefined || imported.has(url) || !isPackage(url)) return;
  imported.add(url);
  // When it fails, it fails for the package too, which is told.
  queueMicrotask(() => void import(url).then(takeModule, () => {}));
}

/** Closes the gate: from now on only packages import, and what `openGateFor` opens it for. */
export function closeImportGate(): void {
  open = false;
}

/** Runs `load`, which must be synchronous and run no plugin code, with the gate open. */
export function openGateFor<T>(load: () => T): T {
  const before = open;
  open = true;
  try {
    return load();
  } finally {
    open = before;
  }
}
