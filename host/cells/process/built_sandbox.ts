/**
 * The sandbox as two files, one for each thread of a cell, instead of the 134 modules that it is made of: a cell starts
 * with a tenth less work, and may read nothing of the sandbox but the file of its Worker. They are made once for each
 * version of the code, by the first start that finds the bundler there.
 * @module
 */

import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { exists } from "../../exists.ts";
import { loadWith } from "../../packages/load_with.ts";
import { missingPackages, ownPackages } from "../../packages/package_files.ts";
import { PACKAGE_GROUPS } from "../../packages/package_groups.ts";
import type { CellProgram } from "./cell_process.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
/** As deep as the modules, which look for the project's folder from where they are. */
const BUILT = join(ROOT, "built/sandbox");

/** What the files are made of, and by. */
const FOLDERS = ["sandbox", "runtime"];
const FILES = ["deno.lock", "host/cells/process/build_sandbox.ts"];

/**
 * Files of so many versions are kept, and those of the last day, in milliseconds: a host that still runs an older
 * version starts cells from its own.
 */
const KEPT_VERSIONS = 8;
const KEPT_MS = 24 * 3600 * 1000;

/** Undefined where there are none and none can be made: then cells start from the modules. */
export async function builtSandbox(folder = BUILT): Promise<CellProgram | undefined> {
  if (Deno.build.standalone) return undefined;
  try {
    const version = await versionOfSources();
    const [cell, worker] = [join(folder, `cell-${version}.mjs`), join(folder, `worker-${version}.mjs`)];
    if (!await exists(worker)) {
      if (missingPackages(ownPackages(), PACKAGE_GROUPS.bundle).length > 0) return undefined;
      await make(folder, version);
    }
    return { entry: cell, readable: [worker] };
  } catch {
    // For example a folder that cannot be written to. It only costs time.
    return undefined;
  }
}

async function versionOfSources(): Promise<string> {
  const inFolders = await Promise.all(
    FOLDERS.map(async (folder) =>
      (await readdir(join(ROOT, folder), { recursive: true }))
        .filter((name) => name.endsWith(".ts")).map((name) => join(folder, name))
    ),
  );
  const paths = [...FILES, ...inFolders.flat()].sort();
  const texts = await Promise.all(paths.map((path) => readFile(join(ROOT, path), "utf8")));
  return createHash("sha256").update(JSON.stringify([paths, texts])).digest("hex").slice(0, 16);
}

/** Whoever finds the Worker's file finds both, and whole. */
async function make(folder: string, version: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const unfinished = await Deno.makeTempDir({ dir: folder });
  try {
    const { buildSandbox } = await loadWith<typeof import("./build_sandbox.ts")>(
      PACKAGE_GROUPS.bundle,
      new URL("build_sandbox.ts", import.meta.url),
      { purpose: "for the sandbox" },
    );
    await buildSandbox(unfinished, version);
    for (const name of ["cell", "worker"]) {
      await Deno.rename(join(unfinished, `${name}-${version}.mjs`), join(folder, `${name}-${version}.mjs`));
    }
    await removeOld(folder);
  } finally {
    await Deno.remove(unfinished, { recursive: true });
  }
}

async function removeOld(folder: string): Promise<void> {
  const workers = (await readdir(folder)).filter((name) => name.startsWith("worker-"));
  const made = await Promise.all(workers.map(async (worker) => {
    const info = await Deno.stat(join(folder, worker)).catch(() => null);
    return { worker, at: info?.mtime?.getTime() ?? 0 };
  }));
  const old = made.sort((a, b) => b.at - a.at).slice(KEPT_VERSIONS).filter(({ at }) => at < Date.now() - KEPT_MS);
  for (const name of old.flatMap(({ worker }) => [worker, worker.replace(/^worker/, "cell")])) {
    // Another host may do the same.
    await Deno.remove(join(folder, name)).catch(() => {});
  }
}
