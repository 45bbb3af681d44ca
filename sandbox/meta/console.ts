/**
 * `console` as plugins had it: five methods, PostHog's formatting, a promise for an answer.
 * @module
 */

import { writeLog } from "../plugin/plugin_log.ts";

const MAX_ARGUMENT = 60_000;

function format(value: unknown): string {
  if (typeof value === "string") return value.slice(0, MAX_ARGUMENT);
  const text = Array.isArray(value) ? "[object Object]" : String(value);
  return (text === "[object Object]" ? String(JSON.stringify(value)) : text).slice(0, MAX_ARGUMENT);
}

/** The console of one plugin. */
export function createConsole(plugin: number) {
  function method(type: "DEBUG" | "LOG" | "INFO" | "WARN" | "ERROR") {
    // What cannot be written, such as an object with a cycle, rejects.
    return (...args: unknown[]): Promise<void> =>
      new Promise((resolve) => {
        writeLog(plugin, "CONSOLE", type, args.map(format).join(" "));
        resolve();
      });
  }
  return {
    debug: method("DEBUG"),
    log: method("LOG"),
    info: method("INFO"),
    warn: method("WARN"),
    error: method("ERROR"),
  };
}
