/**
 * Errors that no call of a plugin is waiting for: logged with the plugin's stack, and never the end of the sandbox.
 * @module
 */

import { addEventListener, takeUncaught } from "../walls/capture.ts";
import { hasNeighbours } from "../walls/packages/neighbours.ts";
import { writeLog } from "./plugin_log.ts";
import { makerOf } from "./plugin_stack.ts";
import { readError } from "./read_error.ts";

/**
 * Logs an error for the plugin, or if that is not known for the one whose code made the error. Of what has no maker,
 * such as a text, nobody can tell whose it is: the first plugin's log has it, with a word of doubt if there are others.
 */
export function logBackgroundError(thrown: unknown, plugin?: number): void {
  const { name, message, stack } = readError(thrown);
  const owner = plugin ?? makerOf(thrown);
  const doubt = owner === undefined && hasNeighbours() ? "(of one of the plugins that share this process) " : "";
  const text = `${doubt}${name}: ${message}`;
  writeLog(owner ?? 0, "PLUGIN", "ERROR", stack === undefined ? text : `${text}\n${stack}`);
}

/** Takes them from now on. */
export function catchBackgroundErrors(): void {
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    logBackgroundError((event as PromiseRejectionEvent).reason);
  });
  takeUncaught((error) => logBackgroundError(error));
  // What Deno's own code catches and reports does not come that way.
  addEventListener("error", (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    logBackgroundError((event as ErrorEvent).error);
  });
}
