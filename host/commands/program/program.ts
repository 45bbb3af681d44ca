/**
 * The commands and their options. What a command does is loaded when it runs, so that `--help` and misspelt flags are
 * answered at once.
 * @module
 */

import { Command } from "commander";
import { VERSION } from "../../version.ts";
import { addSettings, givenSettings } from "./settings_options.ts";

const START = "start";

/** The program; `parseAsync` runs what it was asked for. Rejects with CommanderError for a wrong command or flag. */
export function createProgram(): Command {
  const program = new Command("hogpen")
    .description("Runs PostHog apps outside PostHog, each in a sandbox of its own")
    .version(VERSION, "-V, --version", "Print the version")
    .helpOption("-h, --help", "Say what a command takes")
    .configureHelp({ showGlobalOptions: false })
    .showHelpAfterError("See hogpen --help, or --help after a command")
    .exitOverride();
  addServiceCommands(program);
  addTokenCommands(program);
  addAuthorCommands(program);
  addRunningCommands(program);
  program.command("completions <shell>").description("Print the completions for bash, zsh or fish")
    .action(async (shell: string) => (await import("../completions.ts")).completions(program, shell));
  program.command("version").description("Print the version").action(() => console.log(VERSION));
  return program;
}

/** Without a command the service starts; its settings may come first then. */
export function withCommand(args: readonly string[]): string[] {
  const [first] = args;
  const isAsked = first !== undefined &&
    (!first.startsWith("-") || ["-h", "--help", "-V", "--version"].includes(first));
  return isAsked ? [...args] : [START, ...args];
}

function addServiceCommands(program: Command): void {
  program.commandsGroup("The service:");
  addSettings(program.command(START))
    .description("Start the service; what happens without a command")
    .action(async (options) => (await import("../start.ts")).start(givenSettings(options)));
  addSettings(program.command("check"))
    .description("Read the configuration and load every plugin, then say what is wrong")
    .action(async (options) => (await import("../check.ts")).check(givenSettings(options)));
}

function addTokenCommands(program: Command): void {
  const token = program.command("token").description("Make, list and revoke tokens of the API");
  addSettings(token.command("new <name>"))
    .description("Make a token, and print it")
    .option("--role <role>", "admin: may do everything; viewer: may read what is not secret (viewer)")
    .option("--days <days>", "Days until it ends (it does not)")
    .action(async (name, options) => (await import("../token.ts")).newToken(name, options, givenSettings(options)));
  addSettings(token.command("list"))
    .description("List the tokens: id, role, end, name")
    .action(async (options) => (await import("../token.ts")).listTokens(givenSettings(options)));
  addSettings(token.command("revoke <id>"))
    .description("Take a token back")
    .action(async (id, options) => (await import("../token.ts")).revokeToken(id, givenSettings(options)));
}

function addAuthorCommands(program: Command): void {
  program.commandsGroup("For authors of plugins:");
  program.command("validate <folder>")
    .description("Say what is wrong with a plugin, and what it can do")
    .option("--json", "Print one JSON object")
    .action(async (folder, options) => (await import("../validate.ts")).validate(folder, options));
  program.command("run <folder>")
    .description("Give a plugin one event, and show what it does with it")
    .option("--event <file>", "JSON with an event, or a list of events")
    .option("--config <file>", "JSON with the values of the configuration")
    .option("--fetch <file>", "JSON with the rules that answer what it fetches")
    .option("--attachment <key=file...>", "A file for a field of type attachment")
    .option("--task <name>", "Run a scheduled task instead, such as runEveryHour")
    .option("--job <name>", "Run a job instead")
    .option("--payload <json>", "The payload of the job")
    .option("--json", "Print one JSON object for each event")
    .action(async (folder, options) => (await import("../run.ts")).run(folder, options));
  program.command("test [folder] [patterns...]")
    .description("Run a plugin's Jest tests as they are; the patterns choose files")
    .option("-t, --testNamePattern <regex>", "Only tests whose names fit")
    .option("-u, --updateSnapshot", "Write snapshots that differ anew")
    .option("--jest", "Run the Jest that the repository has installed, under Deno")
    .option("--json", "Print one JSON object for each file, and the totals")
    .action(async (folder = ".", patterns, options) => (await import("../test.ts")).test(folder, patterns, options));
  program.command("bundle <folder>")
    .description("Pack a plugin and its npm packages into one file")
    .option("--out <file>", "Where to (dist/hogpen/index.js in the folder)")
    .option("--entry <file>", "The file to start from, when plugin.json names one that is not built")
    .action(async (folder, options) => (await import("../bundle.ts")).bundle(folder, options));
}

function addRunningCommands(_program: Command): void {
  // Filled in by the commands that talk to a running service.
}
