/**
 * The commands and their options. A command's code is loaded only when it runs, so that `--help` and misspelt flags are
 * answered at once.
 * @module
 */

import { Command } from "commander";
import { loadWith } from "../../packages/load_with.ts";
import { PACKAGE_GROUPS } from "../../packages/package_groups.ts";
import { VERSION } from "../../version.ts";
import { addSettings, givenSettings } from "./settings_options.ts";

const START = "start";

/**
 * The program; its `parseAsync` runs the requested command. Rejects with a CommanderError for a wrong command or flag.
 */
export function createProgram(): Command {
  const program = new Command("hogpen")
    .description("Runs PostHog apps outside PostHog, each in a sandbox of its own")
    .version(VERSION, "-V, --version", "Print the version")
    .helpOption("-h, --help", "Say what a command takes")
    .configureHelp({ showGlobalOptions: false })
    .showHelpAfterError("See hogpen --help, or --help after a command")
    .exitOverride();
  addServiceCommands(program);
  addConfigCommands(program);
  addTokenCommands(program);
  addUpkeepCommands(program);
  addAuthorCommands(program);
  addRunningCommands(program);
  program.command("completions <shell>").description("Print the completions for bash, zsh or fish")
    .action(async (shell: string) => (await import("../completions.ts")).completions(program, shell));
  program.command("version").description("Print the version").action(() => console.log(VERSION));
  return program;
}

/** Without a command the service starts. Its settings may then come first. */
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
  addSettings(program.command("migrate"))
    .description("Move the event log of the data folder elsewhere, and take events meanwhile; goes on after a kill")
    .requiredOption("--to <log>", "Where to: kafka")
    .option("--exit", "End when everything is moved, instead of taking events until a signal")
    .action(async ({ to, exit, ...options }) =>
      (await import("../migrate.ts")).migrate({ to, exit }, givenSettings(options))
    );
  addSettings(program.command("check"))
    .description("Read the configuration and load every plugin, then say what is wrong")
    .action(async (options) => (await import("../check.ts")).check(givenSettings(options)));
  addSettings(program.command("prefetch"))
    .description("Get the packages that the configured plugins import, before a start or without one")
    .option("--all", "Get every package that plugins or commands may need")
    .action(async (options) => (await import("../prefetch.ts")).prefetch(options, givenSettings(options)));
}

function addUpkeepCommands(program: Command): void {
  addSettings(program.command("doctor"))
    .description("Look at the data folder, the configuration and what they need, and say what is wrong")
    .action(async (options) => (await import("../doctor.ts")).doctor(givenSettings(options)));
  addSettings(program.command("backup <folder>"))
    .description("Copy the data folder into a new folder, also while the service runs")
    .action(async (to, options) => (await import("../backup.ts")).backup(to, givenSettings(options)));
  addSettings(program.command("restore <folder>"))
    .description("Put a backup into an empty data folder")
    .action(async (from, options) => (await import("../backup.ts")).restoreBackup(from, givenSettings(options)));
}

function addConfigCommands(program: Command): void {
  addSettings(program.command("export <folder>"))
    .description("Write everything that runs as one hogpen.json, with its secrets and files beside it")
    .action(async (folder, options) => (await import("../export.ts")).exportAll(folder, givenSettings(options)));
  addSettings(program.command("import <file>"))
    .description("Take over a hogpen.json: what it says is managed by page and API from then on")
    .option("--dry-run", "Say what would change, and change nothing")
    .action(async (file, { dryRun, ...options }) =>
      (await import("../import.ts")).importAll(file, { dryRun }, givenSettings(options))
    );
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
  program.command("new <name>")
    .description("Make a plugin to start from, with a test that passes")
    .option("--js", "JavaScript instead of TypeScript")
    .action(async (name, options) => (await import("../authors/new.ts")).newPlugin(name, options));
  program.command("validate <folder>")
    .description("Say what is wrong with a plugin, and what it can do")
    .option("--json", "Print one JSON object")
    .action(async (folder, options) => (await import("../authors/validate.ts")).validate(folder, options));
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
    .action(async (folder, options) => (await import("../authors/run.ts")).run(folder, options));
  program.command("test [folder] [patterns...]")
    .description("Run a plugin's Jest tests as they are; the patterns choose files")
    .option("-t, --testNamePattern <regex>", "Only tests whose names fit")
    .option("-u, --updateSnapshot", "Write snapshots that differ anew")
    .option("--jest", "Run the Jest that the repository has installed, under Deno")
    .option("--json", "Print one JSON object for each file, and the totals")
    .action(async (folder = ".", patterns, options) =>
      (await import("../authors/test.ts")).test(folder, patterns, options)
    );
  program.command("dev <folder>")
    .description("Serve a plugin, reload it on save, and print what becomes of each event")
    .option("--config <file>", "JSON with the values of the configuration")
    .option("--port <port>", "Where to listen (8000)")
    .option("--data <folder>", "Where storage and events are kept (a temporary folder)")
    .option("--json", "Print one JSON object for each event")
    .action(async (folder, options) => (await import("../authors/dev.ts")).dev(folder, options));
  program.command("bundle <folder>")
    .description("Pack a plugin and its npm packages into one file")
    .option("--out <file>", "Where to (dist/hogpen/index.js in the folder)")
    .option("--entry <file>", "The file to start from, when plugin.json names one that is not built")
    .action(async (folder, options) => {
      const module = new URL("../authors/bundle.ts", import.meta.url);
      const command = await loadWith<typeof import("../authors/bundle.ts")>(PACKAGE_GROUPS.bundle, module, {
        purpose: "to bundle",
      });
      await command.bundle(folder, options);
    });
}

function addRunningCommands(program: Command): void {
  program.commandsGroup("For a running service:");
  addApiOptions(program.command("logs <plugin-config>"))
    .description("Print what a plugin wrote to its log")
    .option("-f, --follow", "Go on with what comes")
    .option("--limit <count>", "How many of the entries that are there (100)")
    .option("--type <types>", "Of DEBUG, LOG, INFO, WARN, ERROR, with commas between them")
    .option("--search <text>", "Only entries with this text")
    .option("--json", "Print one JSON object for each entry")
    .action(async (id, options) => (await import("../logs.ts")).logs(id, options));
  const events = program.command("events").description("Watch or write out the events of a project");
  addApiOptions(events.command("tail"))
    .description("Print events as they come out of the last plugin")
    .option("--project <id>", "The project, when there are several")
    .option("--json", "Print one JSON object for each event")
    .action(async (options) => (await import("../events.ts")).tailEvents(options));
  addApiOptions(events.command("export"))
    .description("Write the events that the log still has, one line of JSON each")
    .option("--project <id>", "The project, when there are several")
    .option("--out <file>", "Where to (stdout)")
    .action(async (options) => (await import("../events.ts")).exportEvents(options));
  addApiOptions(program.command("replay [consumer]"))
    .description("Have a consumer deliver again; without one, list them")
    .option("--since <time>", "From this time on: ISO 8601, or 15m, 2h, 3d ago")
    .option("--cursor <cursor>", "From this place in the log on")
    .option("--json", "Print one JSON object for each consumer")
    .action(async (consumer, options) => (await import("../replay.ts")).replay(consumer, options));
}

function addApiOptions(command: Command): Command {
  return command
    .option("--url <address>", "Where the service listens [HOGPEN_URL] (http://127.0.0.1:8000)")
    .option("--admin-token <token>", "Its token [HOGPEN_ADMIN_TOKEN] (the one in its data folder)")
    .option("--data <folder>", "Its data folder [HOGPEN_DATA] (./data)");
}
