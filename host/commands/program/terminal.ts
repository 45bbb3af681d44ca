/**
 * How commands print: data goes to stdout, everything else to stderr, and colour only to a terminal.
 * @module
 */

import picocolors from "picocolors";
import { printable } from "../../../runtime/printable.ts";

type Colors = ReturnType<typeof picocolors.createColors>;

export interface Terminal {
  /** Prints a line of data. */
  print(line: string): void;
  /** Prints a value as one line of JSON. */
  json(value: unknown): void;
  /** Prints a remark about the work, as opposed to its result. */
  note(line: string): void;
  /** Colours for printed data. They have no effect if stdout is not a terminal or NO_COLOR is set. */
  colors: Colors;
  /** Colours for remarks. */
  noteColors: Colors;
}

/** A command could not do its work. The message is for its user; the process ends with the code. */
export class CommandError extends Error {
  override name = "CommandError";
  constructor(message: string, readonly exitCode: number = EXIT_FAILED, options?: ErrorOptions) {
    super(message, options);
  }
}

/** The work failed, or a test did. */
export const EXIT_FAILED = 1;
/** A wrong command, flag, setting or configuration. */
export const EXIT_USAGE = 2;
/** A service that does not answer. */
export const EXIT_UNREACHABLE = 3;

const colors = picocolors.createColors(hasColor(Deno.stdout));
const noteColors = picocolors.createColors(hasColor(Deno.stderr));

export const terminal: Terminal = {
  print: (line) => console.log(withColors(line, colors)),
  json: (value) => console.log(printable(JSON.stringify(value))),
  note: (line) => console.error(withColors(line, noteColors)),
  colors,
  noteColors,
};

/** The escape sequences for colours and weights, which `colors` puts into lines. */
// deno-lint-ignore no-control-regex -- an escape sequence begins with one
const COLOR = /(\x1b\[\d{1,2}m)/;

/**
 * Much of what is printed was written by plugins, SDKs and servers, which must not be able to do more to the terminal
 * than colour it.
 */
function withColors(line: string, { isColorSupported }: Colors): string {
  if (!isColorSupported) return printable(line);
  return line.split(COLOR).map((part) => COLOR.test(part) ? part : printable(part)).join("");
}

function hasColor(stream: { isTerminal(): boolean }): boolean {
  return !Deno.noColor && Deno.env.get("TERM") !== "dumb" && stream.isTerminal();
}
