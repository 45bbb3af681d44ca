/**
 * Runs one function of a plugin within its deadline and reports what became of it exactly once.
 * @module
 */

import { callStarted } from "../boot/alive.ts";
import { logBackgroundError } from "../plugin/background_errors.ts";
import { startDeadline, timeoutError } from "./deadline.ts";
import type { PluginFunction, PluginInstance } from "../plugin/plugin_instance.ts";

/** What became of a call. */
export type Settled = { ok: true; value: unknown } | { ok: false; error: unknown };

/**
 * Calls the function. When it returned or threw at once, that is the answer; when it returned a promise, the answer is
 * undefined and `later` gets what becomes of it, or a TimeoutError.
 */
export function callPlugin(
  plugin: PluginInstance,
  caller: string,
  fn: PluginFunction,
  args: unknown[],
  later: (settled: Settled) => void,
): Settled | undefined {
  callStarted();
  let result: unknown;
  try {
    result = Reflect.apply(fn, undefined, args);
    if (!isThenable(result)) return { ok: true, value: result };
  } catch (error) {
    return { ok: false, error };
  }
  const deadline = startDeadline(() => later({ ok: false, error: timeoutError(plugin.spec, caller) }));
  const settle = (settled: Settled) => {
    if (deadline.expire === null) {
      if (!settled.ok) logBackgroundError(settled.error, plugin.index);
      return;
    }
    deadline.expire = null;
    later(settled);
  };
  void follow(result, settle);
  return undefined;
}

function isThenable(value: unknown): boolean {
  return (typeof value === "object" && value !== null || typeof value === "function") &&
    typeof (value as { then?: unknown }).then === "function";
}

/**
 * The engine calls the `then` of a foreign thenable in a task of its own and listens to it once; a native promise
 * costs a single task.
 */
async function follow(result: unknown, settle: (settled: Settled) => void): Promise<void> {
  let value: unknown;
  try {
    value = await result;
  } catch (error) {
    return settle({ ok: false, error });
  }
  settle({ ok: true, value });
}
