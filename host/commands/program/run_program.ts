/**
 * Runs the command that the arguments name, and reports an error in one line.
 * @module
 */

import { CommanderError } from "commander";
import { BackEndError } from "../../back_end_error.ts";
import { UsageError } from "../../config/read_settings.ts";
import { createProgram, withCommand } from "./program.ts";
import { CommandError, EXIT_FAILED, EXIT_USAGE, terminal } from "./terminal.ts";

/** By its name, since its module loads the client of Postgres. */
const UNAVAILABLE = "StoreUnavailableError";

/** Sets the exit code, or ends the process with it. */
export async function runProgram(args: readonly string[]): Promise<void> {
  try {
    await createProgram().parseAsync(withCommand(args), { from: "user" });
  } catch (error) {
    // Commander has already printed what is wrong.
    if (error instanceof CommanderError) Deno.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
    else if (error instanceof UsageError) fail(`${error.message}\nSee --help for every setting`, EXIT_USAGE);
    else if (error instanceof CommandError) fail(error.message, error.exitCode);
    else if (error instanceof BackEndError) fail(error.message, EXIT_FAILED);
    else if (error instanceof Error && error.name === UNAVAILABLE) {
      fail(`${error.message}. Check DATABASE_URL and that Postgres runs`, EXIT_FAILED);
    } else if (error instanceof Deno.errors.AddrInUse) {
      fail(
        "Cannot listen: another process has the port. Name another one with --port; 0 takes a free one",
        EXIT_FAILED,
      );
    } else throw error;
  }
}

function fail(message: string, exitCode: number): void {
  terminal.note(message);
  // Signal listeners and half-built parts of a service would keep the process alive.
  Deno.exit(exitCode);
}
