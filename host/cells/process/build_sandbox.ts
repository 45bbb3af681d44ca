/**
 * Bundles the sandbox, see built_sandbox.ts.
 * @module
 */

import { fileURLToPath } from "node:url";
import type { BuildOptions, Plugin } from "esbuild";

type Esbuild = typeof import("esbuild");

const BOOT = fileURLToPath(new URL("../../../sandbox/boot/", import.meta.url));

const COMMON = {
  absWorkingDir: BOOT,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "esnext",
  // Modules are there for what they do to the realm, whatever they export.
  treeShaking: false,
  legalComments: "none",
  logLevel: "silent",
} as const satisfies BuildOptions;

/** Writes `cell-<version>.mjs` and `worker-<version>.mjs` into the folder. Rejects with esbuild's error. */
export async function buildSandbox(folder: string, version: string): Promise<void> {
  const esbuild = await import("esbuild");
  try {
    await esbuild.build({
      ...COMMON,
      entryPoints: ["cell.ts", "worker.ts"],
      outdir: folder,
      entryNames: `[name]-${version}`,
      outExtension: { ".js": ".mjs" },
      plugins: [sesPlugin(esbuild)],
    });
  } finally {
    await esbuild.stop();
  }
}

/**
 * SES has functions of its own by the names of JavaScript's, `Function` and `Error` among them, which a bundle calls
 * differently. That is for no plugin to see, so SES keeps its names. The others would do so at the price of a call for
 * each function that they make.
 */
function sesPlugin(esbuild: Esbuild): Plugin {
  return {
    name: "ses",
    setup(build) {
      build.onResolve({ filter: /^ses$/ }, ({ path }) => ({ path, namespace: "ses" }));
      build.onLoad({ filter: /.*/, namespace: "ses" }, async ({ path }) => {
        const { outputFiles } = await esbuild.build({ ...COMMON, entryPoints: [path], keepNames: true, write: false });
        return { contents: outputFiles[0]?.text ?? "" };
      });
    },
  };
}
