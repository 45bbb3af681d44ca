/**
 * Refuses, in the engine's own module resolution, every import that a package does not make itself: `import()` in any
 * disguise ends here.
 * @module
 */

import { registerHooks } from "node:module";

/** Of the service, so that its own place may be below some node_modules as well. */
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
      if (!open && !isPackage(context.parentURL ?? "")) {
        throw new Error(`Cannot import '${String(specifier).slice(0, 200)}': it is not available in plugins`);
      }
      return next(specifier, context);
    },
  });
}

/** Closes the gate: from now on only packages import, and what `openGateFor` loads. */
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
