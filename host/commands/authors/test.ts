/**
 * `test <folder>`: runs a plugin's Jest tests unchanged.
 * @module
 */

import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestJob } from "../../../testing/jest/run_tests.ts";
import type { InstalledPackages } from "../../loader/bundle/install_packages.ts";
import { getPackages } from "../../packages/get_packages.ts";
import { loadWith } from "../../packages/load_with.ts";
import { PACKAGE_GROUPS } from "../../packages/package_groups.ts";
import { pluginPackagesIn } from "../../packages/plugin_packages_in.ts";
import { CommandError, terminal } from "../program/terminal.ts";

export interface TestCommand {
  /** A regular expression for the names of tests. */
  testNamePattern?: string;
  updateSnapshot?: boolean;
  json?: boolean;
  /** Use the repository's own Jest instead. */
  jest?: boolean;
}

const ROOT = new URL("../../../", import.meta.url);

/** Exits with 1 if a test fails. The tests run with the user's own rights, as they do under Jest. */
export async function test(folder: string, patterns: string[], command: TestCommand): Promise<void> {
  const root = await Deno.realPath(resolve(folder)).catch((cause) => {
    throw new CommandError(`Cannot test ${folder}: there is no such folder`, undefined, { cause });
  });
  if (command.jest) return await runJest(root, patterns, command);
  await getPackages([...PACKAGE_GROUPS.jest, ...await pluginPackagesIn(root)], { purpose: "to run tests" });
  await using packages = await packagesFor(root);
  const job: TestJob = {
    root,
    patterns,
    name: command.testNamePattern ?? null,
    update: command.updateSnapshot ?? false,
    json: command.json ?? false,
    color: terminal.colors.isColorSupported,
    cacheFolder: cacheFolder("tests"),
    packageFolders: packages.folders,
  };
  if (Deno.build.standalone) {
    const runner = new URL("testing/jest/run_tests.ts", ROOT);
    const { runTests } = await loadWith<typeof import("../../../testing/jest/run_tests.ts")>([], runner, {});
    Deno.exit(await runTests(job));
  }
  const args = [
    "run",
    "--quiet",
    "-A",
    "--no-check",
    // This process has already fetched the packages; checking again would take longer than most tests.
    "--node-modules-dir=manual",
    `--config=${pathOf("deno.json")}`,
    pathOf("testing/jest/run_tests.ts"),
    JSON.stringify(job),
  ];
  await runChild(args, root);
}

/** The packages that the repository lists but has not installed. */
async function packagesFor(root: string): Promise<InstalledPackages> {
  const has = (name: string) => Deno.stat(join(root, name)).then(() => true, () => false);
  if (!await has("package.json") || await has("node_modules")) {
    return { folders: [], [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const { installPackages } = await import("../../loader/bundle/install_packages.ts");
  const options = { onNotice: terminal.note, keepIn: cacheFolder("packages"), has: isOwnPackage };
  return await installPackages(root, options).catch((error) => {
    throw new CommandError((error as Error).message, undefined, { cause: error });
  });
}

/** Runs the repository's own Jest under Deno instead of Node. */
async function runJest(root: string, patterns: string[], command: TestCommand): Promise<void> {
  const jest = join(root, "node_modules", "jest", "bin", "jest.js");
  if (!await Deno.stat(jest).catch(() => null)) {
    throw new CommandError(`Cannot run Jest in ${root}: it is not installed. Run npm install there first`);
  }
  const flags = [
    ...(command.testNamePattern === undefined ? [] : ["-t", command.testNamePattern]),
    ...(command.updateSnapshot ? ["-u"] : []),
    ...(command.json ? ["--json"] : []),
  ];
  await runChild([
    "run",
    "--quiet",
    "-A",
    "--no-config",
    "--node-modules-dir=manual",
    jest,
    "--runInBand",
    ...flags,
    ...patterns,
  ], root);
}

async function runChild(args: string[], cwd: string): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
  });
  const { code } = await child.spawn().status;
  if (code !== 0) Deno.exitCode = code === 1 ? 1 : code;
}

/** Whether it is exactly the version that Hogpen provides to plugins. */
async function isOwnPackage(name: string, version: string): Promise<boolean> {
  const text = await Deno.readTextFile(pathOf(`node_modules/${name}/package.json`)).catch(() => "{}");
  return (JSON.parse(text) as { version?: string }).version === version;
}

/** A cache folder of this user on this machine. */
function cacheFolder(name: string): string {
  const home = Deno.env.get("XDG_CACHE_HOME") ??
    join(Deno.env.get("HOME") ?? Deno.env.get("USERPROFILE") ?? "/tmp", ".cache");
  return join(home, "hogpen", name);
}

function pathOf(relative: string): string {
  return fileURLToPath(new URL(relative, ROOT));
}
