/**
 * The command line: which command, with which settings.
 * @module
 */

import { flagOf, readSettings, SETTINGS, type Settings, UsageError } from "./settings.ts";
import type { Setting } from "./setting_kinds.ts";

export type Command =
  | { command: "start" | "check"; settings: Settings; configGiven: boolean }
  | { command: "bundle"; folder: string; out: string | null }
  | { command: "help" | "version" };

/**
 * Reads the arguments. `configGiven` is true when the configuration was named, so that its absence is an error.
 * Throws UsageError.
 */
export function parseArgs(args: readonly string[], env: (name: string) => string | undefined): Command {
  const { words, flags, problems } = readFlags(args);
  const [command = "start", ...rest] = words;
  if (command === "help" || flags.has("help")) return { command: "help" };
  if (command === "version" || flags.has("version")) return { command: "version" };
  switch (command) {
    case "start":
    case "check": {
      for (const word of rest) problems.push(`${word}: found a further argument, expected none after ${command}`);
      if (flags.has("out")) problems.push("--out: found a flag of bundle, expected one of start");
      if (problems.length > 0) throw new UsageError(problems);
      const settings = readSettings(flags, env);
      return { command, settings, configGiven: flags.has("config") || Boolean(env(SETTINGS.config.env)) };
    }
    case "bundle": {
      const [folder, ...more] = rest;
      for (const word of more) problems.push(`${word}: found a further argument, expected one folder`);
      if (folder === undefined) problems.push("bundle: found no folder, expected bundle <folder> [--out <file>]");
      if (problems.length > 0 || folder === undefined) throw new UsageError(problems);
      return { command, folder, out: flags.get("out") ?? null };
    }
    default:
      throw new UsageError([`${command}: found an unknown command, expected start, check, bundle, help or version`]);
  }
}

/** What `--help` prints. */
export function helpText(): string {
  const rows = Object.entries<Setting<unknown>>(SETTINGS).map(([name, setting]) =>
    [flagOf(name), setting.env, `${setting.help} (${setting.shownDefault})`] as const
  );
  const width = (column: 0 | 1) => Math.max(...rows.map((row) => row[column].length));
  const [flagWidth, envWidth] = [width(0), width(1)];
  return [
    "Usage: hogpen [command] [--flag value …]",
    "",
    "Commands:",
    "  start            Starts the service (what happens without a command)",
    "  check            Reads the configuration and loads every plugin, then says what is wrong",
    "  bundle <folder>  Packs a plugin and its npm dependencies into one file; --out <file>",
    "  version, help",
    "",
    "Settings, as flag or as environment variable; in brackets the default:",
    ...rows.map(([flag, env, help]) => `  ${flag.padEnd(flagWidth)}  ${env.padEnd(envWidth)}  ${help}`),
    "",
  ].join("\n");
}

/** Splits words from `--name value` and `--name=value`. */
function readFlags(args: readonly string[]) {
  const names = new Map(Object.keys(SETTINGS).map((name) => [flagOf(name), name]));
  for (const name of ["help", "version", "out"]) names.set(`--${name}`, name);
  const alone = new Set(["help", "version"]);
  const flags = new Map<string, string>();
  const words: string[] = [];
  const problems: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === "-h") flags.set("help", "");
    else if (!arg.startsWith("-") || arg === "-") words.push(arg);
    else {
      const [flag = "", value] = splitOnce(arg);
      const name = names.get(flag);
      const isYesNo = typeof (SETTINGS as Record<string, Setting<unknown>>)[name ?? ""]?.default === "boolean";
      if (name === undefined) problems.push(`${flag}: found an unknown flag, expected one of those in --help`);
      else if (value !== undefined) flags.set(name, value);
      else if (alone.has(name)) flags.set(name, "");
      else if (isYesNo) flags.set(name, "yes");
      else if (args[i + 1] === undefined) problems.push(`${flag}: found no value, expected one after it`);
      else flags.set(name, args[++i]!);
    }
  }
  return { words, flags, problems };
}

function splitOnce(arg: string): [string, string | undefined] {
  const at = arg.indexOf("=");
  return at === -1 ? [arg, undefined] : [arg.slice(0, at), arg.slice(at + 1)];
}
