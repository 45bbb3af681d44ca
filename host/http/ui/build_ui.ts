/**
 * Builds the page of the operator from its sources in ui/, once, when it is first opened.
 * @module
 */

import { basename } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * The files of the page by name: `main.js`, `app.css`, and the parts that are loaded when somebody looks at them.
 * Rejects with esbuild's error when the sources are wrong.
 */
export async function buildUi(): Promise<Map<string, string>> {
  const esbuild = await import("esbuild");
  const folder = fileURLToPath(new URL("../../../ui/", import.meta.url));
  try {
    const { outputFiles } = await esbuild.build({
      absWorkingDir: folder,
      entryPoints: ["main.tsx", "app.css"],
      outdir: "built",
      bundle: true,
      splitting: true,
      minify: true,
      write: false,
      format: "esm",
      target: "es2022",
      jsx: "automatic",
      jsxImportSource: "preact",
      logLevel: "silent",
    });
    return new Map(outputFiles.map(({ path, text }) => [basename(path), text]));
  } finally {
    // It leaves a process behind, and the page is built once.
    await esbuild.stop();
  }
}
