/**
 * `meta.jobs`: any name gives a job that can be run now, in a while, or at a time.
 * @module
 */

import { now } from "../walls/capture.ts";
import type { CallHost } from "./call_host.ts";

const SECOND = 1000;
const DAY = 24 * 60 * 60 * SECOND;

/** A month is 30 days. */
const UNITS = new Map([
  ["milliseconds", 1],
  ["seconds", SECOND],
  ["minutes", 60 * SECOND],
  ["hours", 60 * 60 * SECOND],
  ["days", DAY],
  ["weeks", 7 * DAY],
  ["months", 30 * DAY],
  ["quarters", 13 * 7 * DAY],
  ["years", 365 * DAY],
]);

function milliseconds(duration: unknown, unit: unknown): number {
  const name = String(unit);
  const plural = name.endsWith("s") ? name : `${name}s`;
  const length = UNITS.get(plural);
  if (length === undefined) throw new Error(`Unknown time unit: ${plural}`);
  const ms = Number(duration) * length;
  if (!Number.isFinite(ms)) throw new Error(`Cannot run a job in ${duration} ${plural}: expected a number`);
  return ms;
}

/** The jobs of one plugin. */
export function createJobs(call: CallHost): object {
  function job(type: string) {
    return (payload?: unknown) => {
      async function enqueue(runAt: number): Promise<void> {
        if (!Number.isFinite(runAt)) {
          throw new Error(`Cannot enqueue job '${type}': expected a date to run at, found none that is valid`);
        }
        await call("jobs.enqueue", [type, payload === undefined ? null : payload, runAt]);
      }
      return Object.freeze({
        runNow: () => enqueue(now()),
        runIn: async (duration: unknown, unit: unknown) => await enqueue(now() + milliseconds(duration, unit)),
        runAt: async (date: unknown) => await enqueue(Number((date as Date | number).valueOf())),
      });
    };
  }
  // `then` is left out, so that `await meta.jobs` is harmless; symbols are asked for by the language only.
  return new Proxy(Object.freeze({}), {
    get: (_target, name) => typeof name === "string" && name !== "then" ? job(name) : undefined,
  });
}
