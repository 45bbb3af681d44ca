/**
 * `deno task test`: gets the packages and programs that tests use, checks the types, then runs all tests, or those that
 * are named. Takes what `deno test` takes; `--slow` lists the slowest tests at the end. Ends with 2 before the first
 * test when something is missing, and with 1 when a type is wrong.
 * @module
 */

import { fileURLToPath } from "node:url";
import { getPackages, PackageError } from "../host/packages/get_packages.ts";
import { packagesOf } from "../host/packages/package_groups.ts";
import { installPrograms } from "./kit/setup/install_programs.ts";
import { slowestTests } from "./kit/setup/slowest_tests.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const ALL = ["tests", "plugins"];
/** Without it Deno checks types anew at each run, since packages might have changed behind its back. */
const CACHED_PACKAGES = "--node-modules-dir=auto";

/** Files that run at the same time, one more than there are cores: a test waits for other processes much of the time. */
const JOBS = Deno.env.get("DENO_JOBS") ?? String(navigator.hardwareConcurrency + 1);

const given = Deno.args.filter((argument) => argument !== "--slow");
const isSlow = given.length < Deno.args.length;
if (!await isReady()) Deno.exit(2);
if (!given.includes("--no-check") && !await areTypesRight()) Deno.exit(1);
Deno.exitCode = await runTests();

async function isReady(): Promise<boolean> {
  if (!await installPrograms()) return false;
  try {
    await getPackages(packagesOf(), { what: "what the tests need" });
    return true;
  } catch (error) {
    if (!(error instanceof PackageError)) throw error;
    console.error(error.message);
    return false;
  }
}

/**
 * Of the tests that are named, or of everything. `deno test` would check them once more for every Worker that starts.
 */
async function areTypesRight(): Promise<boolean> {
  const named = await Promise.all(given.map((argument) => Deno.stat(argument).then(() => [argument], () => [])));
  return await runDeno(["check", "--quiet", CACHED_PACKAGES, ...named.flat()]) === 0;
}

async function runTests(): Promise<number> {
  const report = await Deno.makeTempFile({ prefix: "hogpen_tests_", suffix: ".xml" });
  try {
    const places = given.some((argument) => !argument.startsWith("-")) ? [] : ALL;
    const code = await runDeno([
      "test",
      "-A",
      "--parallel",
      CACHED_PACKAGES,
      ...isSlow ? [`--junit-path=${report}`] : [],
      ...new Set(["--no-check", ...given]),
      ...places,
    ], { DENO_JOBS: JOBS });
    if (isSlow) console.log(["The slowest tests:", ...slowestTests(await Deno.readTextFile(report)), ""].join("\n"));
    return code;
  } finally {
    await Deno.remove(report);
  }
}

async function runDeno(args: string[], env: Record<string, string> = {}): Promise<number> {
  const streams = { stdin: "inherit", stdout: "inherit", stderr: "inherit" } as const;
  return (await new Deno.Command(Deno.execPath(), { args, env, cwd: ROOT, ...streams }).spawn().status).code;
}
