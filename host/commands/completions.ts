/**
 * `completions <shell>`: shell completions for bash, zsh and fish, generated from the commands and their options.
 * @module
 */

import type { Command } from "commander";
import { CommandError, EXIT_USAGE, terminal } from "./program/terminal.ts";

interface Completed {
  name: string;
  description: string;
  options: { flag: string; description: string; takesValue: boolean }[];
}

/** Rejects with a CommandError for any other shell. */
export function completions(program: Command, shell: string): void {
  const commands = program.commands.map(describe);
  switch (shell) {
    case "bash":
      return terminal.print(bash(commands));
    case "zsh":
      return terminal.print(zsh(commands));
    case "fish":
      return terminal.print(fish(commands));
    default:
      throw new CommandError(`completions: found ${shell}, expected bash, zsh or fish`, EXIT_USAGE);
  }
}

function describe(command: Command): Completed {
  const options = command.options.filter(({ long }) => long).map((option) => ({
    flag: option.long as string,
    description: option.description,
    takesValue: option.required,
  }));
  return { name: command.name(), description: command.description(), options };
}

/** Installed with `eval "$(hogpen completions bash)"`. */
function bash(commands: Completed[]): string {
  const cases = commands.map(({ name, options }) =>
    `    ${name}) words="${options.map(({ flag }) => flag).join(" ")} --help" ;;`
  );
  return [
    "_hogpen() {",
    '  local current="${COMP_WORDS[COMP_CWORD]}" words',
    "  COMPREPLY=()",
    '  case "${COMP_WORDS[1]}" in',
    ...cases,
    "  esac",
    `  if [ "$COMP_CWORD" -eq 1 ]; then words="${commands.map(({ name }) => name).join(" ")} help"; fi`,
    '  if [ "$COMP_CWORD" -gt 1 ] && [[ "$current" != -* ]]; then',
    '    COMPREPLY=($(compgen -f -- "$current"))',
    "  else",
    '    COMPREPLY=($(compgen -W "$words" -- "$current"))',
    "  fi",
    "}",
    "complete -o filenames -F _hogpen hogpen",
  ].join("\n");
}

/** Installed as `_hogpen` in a folder of `$fpath`, or sourced. */
function zsh(commands: Completed[]): string {
  const quote = (text: string) => text.replaceAll(/[\\:[\]]/g, "\\$&").replaceAll("'", "'\\''");
  const cases = commands.flatMap(({ name, options }) => [
    `    ${name})`,
    `      _arguments ${
      [
        ...options.map(({ flag, description, takesValue }) =>
          `'${flag}[${quote(description)}]${takesValue ? ":value:_files" : ""}'`
        ),
        "'*:file:_files'",
      ].join(" ")
    } ;;`,
  ]);
  return [
    "#compdef hogpen",
    "_hogpen() {",
    "  if (( CURRENT == 2 )); then",
    "    local -a commands",
    `    commands=(${commands.map(({ name, description }) => `'${name}:${quote(description)}'`).join(" ")})`,
    "    _describe command commands",
    "    return",
    "  fi",
    '  local command="$words[2]"',
    "  shift words",
    "  (( CURRENT-- ))",
    '  case "$command" in',
    ...cases,
    "  esac",
    "}",
    "compdef _hogpen hogpen",
  ].join("\n");
}

/** Installed with `hogpen completions fish | source`. */
function fish(commands: Completed[]): string {
  const quote = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  return commands.flatMap(({ name, description, options }) => [
    `complete -c hogpen -n __fish_use_subcommand -f -a ${name} -d ${quote(description)}`,
    ...options.map(({ flag, description, takesValue }) =>
      `complete -c hogpen -n '__fish_seen_subcommand_from ${name}' -l ${flag.slice(2)}${takesValue ? " -r" : ""} -d ${
        quote(description)
      }`
    ),
  ]).join("\n");
}
