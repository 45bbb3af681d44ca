/**
 * Builds the operator's page from its sources in ui/, once, when it is first opened.
 * @module
 */

import { basename } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * The files of the page by name: `main.js`, `app.css`, and the chunks that are loaded on demand. Rejects with esbuild's
 * error when the sources are invalid.
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
    // esbuild would leave a process behind, and the page is built only once.
    await esbuild.stop();
  }
}
