/**
 * The manners of the commands: data on stdout, everything else on stderr, colour on a terminal only.
 * @module
 */

import picocolors from "picocolors";

type Colors = ReturnType<typeof picocolors.createColors>;

export interface Terminal {
  /** A line of data. */
  print(line: string): void;
  /** A value as one line of JSON. */
  json(value: unknown): void;
  /** What is said about the work rather than its result. */
  note(line: string): void;
  /** For what is printed; without effect when stdout is no terminal or NO_COLOR is set. */
  colors: Colors;
  /** For what is noted. */
  noteColors: Colors;
}

/** What a command could not do, in words for its user; the process ends with the code. */
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

export const terminal: Terminal = {
  print: (line) => console.log(line),
  json: (value) => console.log(JSON.stringify(value)),
  note: (line) => console.error(line),
  colors: picocolors.createColors(hasColor(Deno.stdout)),
  noteColors: picocolors.createColors(hasColor(Deno.stderr)),
};

function hasColor(stream: { isTerminal(): boolean }): boolean {
  return !Deno.noColor && Deno.env.get("TERM") !== "dumb" && stream.isTerminal();
}
