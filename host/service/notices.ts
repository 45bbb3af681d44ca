/**
 * The service's own log: one line on stderr for each message to the operator.
 * @module
 */

import { printableMessage } from "../../runtime/printable.ts";

export const LEVELS = ["debug", "info", "warn", "error"] as const;
export type Level = typeof LEVELS[number];

/** A function for each level. */
export type Notices = Record<Level, (message: string) => void>;

export interface NoticesOptions {
  /** Messages below this level are left out. */
  level: Level;
  /** With `json`, each line is an object with `time`, `level` and `message`. */
  format: "text" | "json";
  /** Receives whole lines. */
  write(line: string, level: Level): void;
  now(): number;
}

export function createNotices({ level, format, write, now }: NoticesOptions): Notices {
  const least = LEVELS.indexOf(level);
  const say = (each: Level) => (message: string): void => {
    if (LEVELS.indexOf(each) < least) return;
    const time = new Date(now()).toISOString();
    write(
      format === "json"
        ? JSON.stringify({ time, level: each, message })
        : `${time} ${each.padEnd(5)} ${printableMessage(message)}`,
      each,
    );
  };
  return { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") };
}

/** The message of whatever was thrown. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
