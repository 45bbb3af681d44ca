/**
 * The command line: one command, then everything it needs is built once.
 * @module
 */

import { helpText, parseArgs } from "./host/config/parse_args.ts";
import { UsageError } from "./host/config/settings.ts";
import { BackEndError } from "./host/back_end_error.ts";
import { VERSION } from "./host/version.ts";

/** Of a wrong flag, setting or configuration. */
const EXIT_USAGE = 2;
/** Of an event log or a store that cannot be opened. */
const EXIT_BACK_END = 1;

// In a compiled executable there is no deno to start cells with: it starts itself.
if (Deno.build.standalone && Deno.args[0] === "cell") await import("./sandbox/boot/compiled_cell.ts");
else await run();

async function run(): Promise<void> {
  try {
    const command = parseArgs(Deno.args, (name) => Deno.env.get(name));
    switch (command.command) {
      case "help":
        console.log(helpText());
        break;
      case "version":
        console.log(VERSION);
        break;
      case "start":
        await (await import("./host/commands/start.ts")).start(command);
        break;
      case "check":
        Deno.exitCode = await (await import("./host/commands/check.ts")).check(command);
        break;
      case "bundle":
        await (await import("./host/commands/bundle.ts")).bundle(command);
        break;
    }
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`${error.message}\nSee --help for every setting`);
      Deno.exitCode = EXIT_USAGE;
    } else if (error instanceof BackEndError) {
      console.error(error.message);
      Deno.exitCode = EXIT_BACK_END;
    } else throw error;
  }
}
