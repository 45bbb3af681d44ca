/**
 * Host functions that the sandbox itself needs after plugins can no longer see them.
 * Import this after shim.ts and before anything is removed.
 * @module
 */

import { createRequire } from "node:module";
import { Buffer } from "node:buffer";
import process from "node:process";

interface WorkerScope {
  postMessage(message: ArrayBuffer, transfer: ArrayBuffer[]): void;
  addEventListener(type: string, listener: (event: Event) => void): void;
}

const scope = globalThis as unknown as WorkerScope;

export const postMessage = scope.postMessage.bind(globalThis);
export const addEventListener = scope.addEventListener.bind(globalThis);
export const setTimeout: (callback: () => void, ms: number) => unknown = globalThis.setTimeout.bind(globalThis);
export const clearTimeout: (timer: unknown) => void = globalThis.clearTimeout.bind(globalThis) as (
  timer: unknown,
) => void;
export const now: () => number = Date.now;
/** The Date that plugins have: lockdown leaves a Date without now. */
export const PluginDate: DateConstructor = Date;
/** Milliseconds of a clock that does not jump. */
export const monotonic: () => number = performance.now.bind(performance);
export const queueMicrotask: typeof globalThis.queueMicrotask = globalThis.queueMicrotask.bind(globalThis);
export const ReadableStream: typeof globalThis.ReadableStream = globalThis.ReadableStream;
export const Response: typeof globalThis.Response = globalThis.Response;
export const require: ReturnType<typeof createRequire> = createRequire(new URL("../../package.json", import.meta.url));

/** The engine's own Error, which stays open to the sandbox's stack formatter after lockdown. */
export const EngineError: ErrorConstructor = Error;

type Take = (error: unknown) => void;
interface Internals {
  core: { setReportExceptionCallback(take: Take): void };
}
const deno = Deno as unknown as { internal: symbol } & Record<symbol, Internals>;
/**
 * Has errors that no code catches handed over as they are. Deno itself would look at them first, and an object that
 * throws when it is looked at would end the Worker.
 */
export const takeUncaught: (take: Take) => void = deno[deno.internal]!.core.setReportExceptionCallback;

interface Handle {
  prototype: object;
}
interface Bindings {
  binding(name: "tcp_wrap"): { TCP: Handle };
  binding(name: "pipe_wrap"): { Pipe: Handle };
  binding(name: "udp_wrap"): { UDP: Handle };
}
const bindings = process as unknown as Bindings;
/** The handles under every socket of node:net and node:dgram. */
export const { TCP } = bindings.binding("tcp_wrap");
export const { Pipe } = bindings.binding("pipe_wrap");
export const { UDP } = bindings.binding("udp_wrap");

// Buffers cut from a shared pool would show a plugin's neighbour's bytes through `buffer.buffer`.
Buffer.poolSize = 0;
export { Buffer };
