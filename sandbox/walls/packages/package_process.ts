/**
 * What packages have as `process`: data, clocks that all have, and functions that do nothing.
 * @module
 */

import process from "node:process";

/** What is read of it is data or harmless: shim.ts has made it so. */
const OF_PROCESS = [
  "arch",
  "argv",
  "cwd",
  "emitWarning",
  "execArgv",
  "execPath",
  "hrtime",
  "memoryUsage",
  "nextTick",
  "pid",
  "platform",
  "stderr",
  "stdin",
  "stdout",
  "title",
  "umask",
  "uptime",
  "version",
] as const;

/** Listeners are never called. These methods return the object itself, as those of an EventEmitter do. */
const LISTENING = ["addListener", "off", "on", "once", "removeAllListeners", "removeListener"];

/** @param env what packages find as their environment: empty, and their own to write to. */
export function createPackageProcess(env: object): object {
  const own = process as unknown as Record<string, unknown>;
  const made: Record<PropertyKey, unknown> = { env, listenerCount: () => 0, listeners: () => [] };
  for (const name of OF_PROCESS) made[name] = own[name];
  // snowflake-sdk adds to its versions.
  for (const name of ["release", "versions"]) made[name] = { ...own[name] as object };
  for (const name of LISTENING) made[name] = () => made;
  // Packages tell Node from browsers by what kind of object this is.
  made[Symbol.toStringTag] = "process";
  return Object.freeze(made);
}
