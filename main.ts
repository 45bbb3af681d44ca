/**
 * The command line: gets the packages of the service when they are not there yet, then runs one command.
 * @module
 */

import { PackageError } from "./host/packages/get_packages.ts";
import { loadWith } from "./host/packages/load_with.ts";
import { PACKAGE_GROUPS } from "./host/packages/package_groups.ts";

const PROGRAM = new URL("./host/commands/program/run_program.ts", import.meta.url);

// In a compiled executable there is no deno to start cells with: it starts itself.
if (Deno.build.standalone && Deno.args[0] === "cell") await import("./sandbox/boot/compiled_cell.ts");
else if (Deno.build.standalone && Deno.args[0] === "fixture-cell") await import("./testing/sandbox/compiled_cell.ts");
else await run();

async function run(): Promise<void> {
  try {
    const program = await loadWith<typeof import("./host/commands/program/run_program.ts")>(
      PACKAGE_GROUPS.service,
      PROGRAM,
      {},
    );
    await program.runProgram(Deno.args);
  } catch (error) {
    if (!(error instanceof PackageError)) throw error;
    console.error(error.message);
    Deno.exit(1);
  }
}
