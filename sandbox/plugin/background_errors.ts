/**
 * Errors that no call of a plugin is waiting for: logged with the plugin's stack, and never the end of the sandbox.
 * @module
 */

import { addEventListener } from "../walls/capture.ts";
import { writeLog } from "./plugin_log.ts";
import { pluginFrames } from "./plugin_stack.ts";
import { readError } from "./read_error.ts";

/** Logs an error for a plugin: the one whose file it comes from, if that is known. */
export function logBackgroundError(thrown: unknown, plugin = 0): void {
  const error = readError(thrown);
  const text = `${error.name}: ${error.message}`;
  writeLog(pluginOf(thrown) ?? plugin, "PLUGIN", "ERROR", error.stack === undefined ? text : `${text}\n${error.stack}`);
}

function pluginOf(thrown: unknown): number | undefined {
  try {
    const { stack } = thrown as Error;
    return typeof stack === "string" ? pluginFrames(stack).plugin : undefined;
  } catch {
    return undefined;
  }
}

/** Takes them from now on. */
export function catchBackgroundErrors(): void {
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    logBackgroundError((event as PromiseRejectionEvent).reason);
  });
  addEventListener("error", (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    logBackgroundError((event as ErrorEvent).error);
  });
}
