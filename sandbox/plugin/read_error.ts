/**
 * Errors across the wall: what a plugin threw as plain data, read so that no getter, proxy or endless text of it can
 * hurt.
 * @module
 */

import { type ErrorRecord, IllegalOperationError, RetryError, TimeoutError } from "../../runtime/errors.ts";
import { pluginFrames } from "./plugin_stack.ts";

const { stringify } = JSON;

const MAX_NAME = 200;
const MAX_MESSAGE = 10_000;
const MAX_STACK = 10_000;

function readText(target: object, key: string, limit: number): string | undefined {
  try {
    const value: unknown = Reflect.get(target, key);
    return typeof value === "string" ? value.slice(0, limit) : undefined;
  } catch {
    return undefined;
  }
}

/** By class, or by name: a plugin that was bundled with the scaffold brings a RetryError of its own. */
function isRetry(thrown: object): boolean {
  try {
    return thrown instanceof RetryError || Reflect.get(thrown, "name") === "RetryError";
  } catch {
    return false;
  }
}

function describe(thrown: unknown): string {
  try {
    if (typeof thrown === "string") return thrown;
    if (typeof thrown === "object" && thrown !== null) return stringify(thrown) ?? "an object";
    return String(thrown);
  } catch {
    return "a value that cannot be read";
  }
}

/** Anything that was thrown, as an ErrorRecord. Never throws. */
export function readError(thrown: unknown): ErrorRecord {
  if ((typeof thrown !== "object" && typeof thrown !== "function") || thrown === null) {
    return { name: "Error", message: describe(thrown).slice(0, MAX_MESSAGE), retry: false };
  }
  const message = readText(thrown, "message", MAX_MESSAGE);
  const stack = pluginFrames(readText(thrown, "stack", 100_000) ?? "");
  const record: ErrorRecord = {
    name: readText(thrown, "name", MAX_NAME) || "Error",
    message: message ?? describe(thrown).slice(0, MAX_MESSAGE),
    retry: isRetry(thrown),
  };
  if (stack !== "") record.stack = stack.slice(0, MAX_STACK);
  return record;
}

/** An error that the host sent, for the plugin to catch. */
export function errorFromRecord(record: ErrorRecord): Error {
  if (record.name === "RetryError") return new RetryError(record.message);
  if (record.name === "TimeoutError") return new TimeoutError(record.message);
  if (record.name === "IllegalOperationError") return new IllegalOperationError(record.message);
  const error = new Error(record.message);
  if (record.name !== "Error") error.name = record.name;
  return error;
}
