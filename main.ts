/**
 * The command line: one command, then everything it needs is built once.
 * @module
 */

import { CommanderError } from "commander";
import { BackEndError } from "./host/back_end_error.ts";
import { createProgram, withCommand } from "./host/commands/program/program.ts";
import { CommandError, EXIT_FAILED, EXIT_USAGE } from "./host/commands/program/terminal.ts";
import { UsageError } from "./host/config/settings.ts";

// In a compiled executable there is no deno to start cells with: it starts itself.
if (Deno.build.standalone && Deno.args[0] === "cell") await import("./sandbox/boot/compiled_cell.ts");
else if (Deno.build.standalone && Deno.args[0] === "fixture-cell") await import("./testing/sandbox/compiled_cell.ts");
else await run();

async function run(): Promise<void> {
  try {
    await createProgram().parseAsync(withCommand(Deno.args), { from: "user" });
  } catch (error) {
    // Commander has said what is wrong.
    if (error instanceof CommanderError) Deno.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
    else if (error instanceof UsageError) fail(`${error.message}\nSee --help for every setting`, EXIT_USAGE);
    else if (error instanceof CommandError) fail(error.message, error.exitCode);
    else if (error instanceof BackEndError) fail(error.message, EXIT_FAILED);
    else if (error instanceof Deno.errors.AddrInUse) {
      fail(
        "Cannot listen: another process has the port. Name another one with --port; 0 takes a free one",
        EXIT_FAILED,
      );
    } else throw error;
  }
}

function fail(message: string, exitCode: number): void {
  console.error(message);
  // Listeners of signals and half-built parts of a service would hold the process.
  Deno.exit(exitCode);
}
