/**
 * `deno task test`: gets the packages and programs that tests use, then runs them all, or those that are named. Takes
 * what `deno test` takes; `--slow` lists the slowest tests at the end. Ends with 2 before the first test when something
 * is missing.
 * @module
 */

import { fileURLToPath } from "node:url";
import { getPackages, PackageError } from "../host/packages/get_packages.ts";
import { packagesOf } from "../host/packages/package_groups.ts";
import { installPrograms } from "./kit/setup/install_programs.ts";
import { slowestTests } from "./kit/setup/slowest_tests.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const ALL = ["tests", "plugins"];
/** Where packages might change behind its back, Deno checks the types of every Worker each time one starts. */
const CHECKED_ONCE = ["--node-modules-dir=auto"];

const given = Deno.args.filter((argument) => argument !== "--slow");
const isSlow = given.length < Deno.args.length;
if (!await isReady()) Deno.exit(2);
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

async function runTests(): Promise<number> {
  const report = await Deno.makeTempFile({ prefix: "hogpen_tests_", suffix: ".xml" });
  try {
    const places = given.some((argument) => !argument.startsWith("-")) ? [] : ALL;
    const { code } = await new Deno.Command(Deno.execPath(), {
      args: [
        "test",
        "-A",
        "--parallel",
        ...CHECKED_ONCE,
        ...isSlow ? [`--junit-path=${report}`] : [],
        ...given,
        ...places,
      ],
      cwd: ROOT,
      stdin: "inherit",
      stdout: "inherit",
      stderr: "inherit",
    }).spawn().status;
    if (isSlow) console.log(["The slowest tests:", ...slowestTests(await Deno.readTextFile(report)), ""].join("\n"));
    return code;
  } finally {
    await Deno.remove(report);
  }
}
