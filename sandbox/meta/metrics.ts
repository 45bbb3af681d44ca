/**
 * `meta.metrics`, for plugins that export `metrics`: numbers of their own, as PostHog had them for a time.
 * @module
 */

import { IllegalOperationError } from "../../runtime/errors.ts";
import type { CallHost } from "./call_host.ts";

/** What may be done to a metric of each type. */
const OPERATIONS = new Map([["sum", "increment"], ["max", "max"], ["min", "min"]] as const);
type Type = "sum" | "max" | "min";
/** Those that every plugin with exportEvents had besides its own. */
const OF_EXPORTS = [
  "events_seen",
  "events_delivered_successfully",
  "undelivered_events",
  "retry_errors",
  "other_errors",
];

/** Throws PostHog's words for a type that there is not. */
export function createMetrics(declared: object, exportsEvents: boolean, call: CallHost): object {
  const types = new Map<string, Type>(exportsEvents ? OF_EXPORTS.map((name) => [name, "sum"] as const) : []);
  const invalid: string[] = [];
  for (const [name, given] of Object.entries(declared)) {
    const type = String(given).toLowerCase();
    if (OPERATIONS.has(type as Type)) types.set(name, type as Type);
    else invalid.push(type);
  }
  if (invalid.length > 0) {
    throw new Error(
      "Only 'sum', 'max', and 'min' are supported as metric types. Invalid types received: " + invalid.join(", "),
    );
  }

  function metric(name: string, type: Type): object {
    const operation = OPERATIONS.get(type)!;
    return Object.freeze({
      [operation]: async (value: unknown): Promise<void> => {
        if (typeof value !== "number") {
          throw new IllegalOperationError("Only numbers are allowed for operations on metrics");
        }
        await call("metrics.record", [name, operation, value]);
      },
    });
  }
  return new Proxy(Object.freeze({}), {
    get(_target, name) {
      const type = typeof name === "string" ? types.get(name) : undefined;
      if (typeof name === "string" && type !== undefined) return metric(name, type);
      if (typeof name === "symbol" || name === "then") return undefined;
      throw new IllegalOperationError("Invalid metric name");
    },
  });
}
