/**
 * The thread's side of host/sqlite/thread.ts, which answers calls one at a time.
 * @module
 */

import type { ThreadAnswer, ThreadApi, ThreadRequest } from "./thread.ts";

/** The part of a Worker's global scope that is used here. Deno's default types describe a window. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<ThreadRequest>) => void) | null;
  postMessage(answer: ThreadAnswer, transfer: Transferable[]): void;
}

/** Answers every call from the host with what the function of that name returns or throws. */
export function serveThread<Api extends ThreadApi<Api>>(
  api: Api,
  transferOf?: (value: unknown) => Transferable[],
): void {
  const scope = globalThis as unknown as WorkerScope;
  const table = new Map(Object.entries(api)) as Map<string, (...args: unknown[]) => unknown>;
  scope.onmessage = ({ data: { id, name, args } }) => {
    let value: unknown;
    try {
      const run = table.get(name);
      if (!run) throw new TypeError(`Cannot call ${name}: the thread has no such function`);
      value = run(...args);
    } catch (error) {
      scope.postMessage({ id, ok: false, ...describe(error) }, []);
      return;
    }
    scope.postMessage({ id, ok: true, value }, transferOf?.(value) ?? []);
  };
}

/** An error as plain data, because an error's class is lost on the way between threads. */
export function describe(error: unknown): { name: string; message: string; code?: number } {
  if (!(error instanceof Error)) return { name: "Error", message: String(error) };
  const code = "errcode" in error && typeof error.errcode === "number" ? { code: error.errcode } : {};
  return { name: error.name, message: error.message, ...code };
}
