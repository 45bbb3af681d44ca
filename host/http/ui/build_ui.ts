/**
 * Builds the page of the operator from its sources in ui/, once, when it is first opened.
 * @module
 */

import { fileURLToPath } from "node:url";

/** The script of the page. Rejects with esbuild's error when the sources are wrong. */
export async function buildUi(): Promise<string> {
  const esbuild = await import("esbuild");
  const folder = fileURLToPath(new URL("../../../ui/", import.meta.url));
  try {
    const { outputFiles } = await esbuild.build({
      absWorkingDir: folder,
      entryPoints: ["main.tsx"],
      bundle: true,
      minify: true,
      write: false,
      format: "esm",
      target: "es2022",
      jsx: "automatic",
      jsxImportSource: "preact",
      logLevel: "silent",
    });
    return outputFiles[0]?.text ?? "";
  } finally {
    // It leaves a process behind, and the page is built once.
    await esbuild.stop();
  }
}
