/**
 * What the service itself has to say to its operator: a line each on stderr.
 * @module
 */

import { printableMessage } from "../../runtime/printable.ts";

export const LEVELS = ["debug", "info", "warn", "error"] as const;
export type Level = typeof LEVELS[number];

/** A function for each level. */
export type Notices = Record<Level, (message: string) => void>;

/** Lines below the level are left out. `write` gets whole lines. */
export function createNotices(level: Level, write: (line: string) => void, now: () => number): Notices {
  const least = LEVELS.indexOf(level);
  const say = (each: Level) => (message: string): void => {
    if (LEVELS.indexOf(each) < least) return;
    write(`${new Date(now()).toISOString()} ${each.padEnd(5)} ${printableMessage(message)}`);
  };
  return { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") };
}

/** The message of whatever was thrown. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
